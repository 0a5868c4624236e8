export type GuestFunction = (...args: number[]) => number | undefined;

/** The callbacks that a module exports. The ones it does not export are undefined and never called. */
export class Callbacks {
  readonly onContextCreate: GuestFunction | undefined;
  readonly onVmStart: GuestFunction | undefined;
  readonly onConfigure: GuestFunction | undefined;
  readonly onTick: GuestFunction | undefined;
  readonly onHttpCallResponse: GuestFunction | undefined;
  readonly onRequestHeaders: GuestFunction | undefined;
  readonly onResponseHeaders: GuestFunction | undefined;
  readonly onLog: GuestFunction | undefined;
  readonly onDone: GuestFunction | undefined;
  readonly onDelete: GuestFunction | undefined;

  constructor(exports: WebAssembly.Exports) {
    this.onContextCreate = exportedFunction(exports, "proxy_on_context_create");
    this.onVmStart = exportedFunction(exports, "proxy_on_vm_start");
    this.onConfigure = exportedFunction(exports, "proxy_on_configure");
    this.onTick = exportedFunction(exports, "proxy_on_tick");
    this.onHttpCallResponse = exportedFunction(exports, "proxy_on_http_call_response");
    this.onRequestHeaders = exportedFunction(exports, "proxy_on_request_headers");
    this.onResponseHeaders = exportedFunction(exports, "proxy_on_response_headers");
    this.onLog = exportedFunction(exports, "proxy_on_log");
    this.onDone = exportedFunction(exports, "proxy_on_done");
    this.onDelete = exportedFunction(exports, "proxy_on_delete");
  }
}

export function exportedFunction(exports: WebAssembly.Exports, name: string): GuestFunction | undefined {
  const found = exports[name];
  return typeof found === "function" ? (found as GuestFunction) : undefined;
}
