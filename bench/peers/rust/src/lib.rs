//! Compares the claim `sub` of the bearer token with the URI SAN of the live peer. It verifies no signature: it shows what decoding and
//! comparing cost in the usual Rust SDK, and is no protection.

use base64::{engine::general_purpose::URL_SAFE_NO_PAD, Engine};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};
use serde_json::Value;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Warn);
    proxy_wasm::set_root_context(|_| Box::new(Root));
}}

struct Root;

impl Context for Root {}

impl RootContext for Root {
    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Request))
    }
}

struct Request;

impl Context for Request {}

impl HttpContext for Request {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        let peer = self.get_property(vec!["connection", "uri_san_peer_certificate"]);
        match (self.subject(), peer) {
            (Some(subject), Some(peer)) if subject.as_bytes() == peer => Action::Continue,
            _ => {
                self.send_http_response(403, vec![], None);
                Action::Pause
            }
        }
    }
}

impl Request {
    fn subject(&self) -> Option<String> {
        let header = self.get_http_request_header("authorization")?;
        let payload = header.strip_prefix("Bearer ")?.split('.').nth(1)?;
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        Some(claims.get("sub")?.as_str()?.to_owned())
    }
}
