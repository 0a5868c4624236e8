import { describe, it } from "node:test";
import { policy } from "./support/policies.ts";
import { Scene, assertAllowed, assertDenied, assertWouldDeny } from "./support/scene.ts";
import { token } from "./support/tokens.ts";
import type { Json } from "./support/json.ts";
import { thief } from "./support/world.ts";

const good = token();

/** A policy whose one rule asks for no token: what it takes is allowed, everything else has no rule. */
const taking = (when: Json): Scene => new Scene(policy({ rules: [{ name: "taken", when, token: "none" }] }));

describe("a rule's path", () => {
  it("is the whole path, without the query", () => {
    const scene = taking({ path: "/healthz" });
    for (const path of ["/healthz", "/healthz?", "/healthz?a=b", "/healthz?a=/b"])
      assertAllowed(scene.ask({ path }), path);
    for (const path of ["/", "/healthz/", "/healthz/x", "/healthzx", "/Healthz", "/health", "/x/healthz"])
      assertDenied(scene.ask({ path }), "no_rule", path);
  });
});

describe("a rule's path prefix", () => {
  for (const pathPrefix of ["/orders", "/orders/"]) {
    it(`matches whole segments: ${pathPrefix}`, () => {
      const scene = taking({ pathPrefix });
      for (const path of ["/orders", "/orders/", "/orders/1", "/orders/1/2?x"])
        assertAllowed(scene.ask({ path }), path);
      for (const path of ["/", "/order", "/orders1", "/orders-x/1", "/ORDERS", "/x/orders"])
        assertDenied(scene.ask({ path }), "no_rule", path);
    });
  }

  it("of `/` is every path", () => {
    for (const path of ["/", "/a", "/a/b/"]) assertAllowed(taking({ pathPrefix: "/" }).ask({ path }), path);
  });
});

describe("an ambiguous path", () => {
  it("is refused before any rule, those without a token included", () => {
    const scene = taking({ pathPrefix: "/" });
    for (const path of [
      "",
      "a",
      "*",
      "?x",
      "http://localhost/a",
      "//",
      "//a",
      "/a//b",
      "/a//",
      "/.",
      "/..",
      "/./a",
      "/../a",
      "/a/.",
      "/a/..",
      "/a/./b",
      "/a/../b",
      "/%2e/a",
      "/%2E%2e/a",
      "/a/.%2e/b",
      "/a%2fb",
      "/a%2Fb",
      "/a%5cb",
      "/a%5Cb",
      "/a\\b",
      "/a%00b",
      "/a%",
      "/a%2",
      "/a%zz",
      "/a%2g",
      "/a%%32",
      "/a#b",
      "/a b",
      "/a\tb",
      "/a\x7f",
      "/caf\u00e9",
      "/\xff",
    ])
      assertDenied(scene.ask({ path }), "path_ambiguous", JSON.stringify(path));
  });

  it("is none where the escape is needed, or where dots are part of a name", () => {
    for (const path of [
      "/a%20b",
      "/caf%C3%A9",
      "/a%252fb",
      "/...",
      "/.well-known/x",
      "/a..b",
      "/..a",
      "/a.",
      "/a%3Fb",
      "/%61",
      "/%7E",
      "/a;x",
      "/a/",
      "/a?b=//../%2f\\#",
    ])
      assertAllowed(taking({ pathPrefix: "/" }).ask({ path }), path);
  });

  it("is one that leads to another rule when a server decodes it or drops its parameters", () => {
    const scene = new Scene(
      policy({
        rules: [
          { name: "open", when: { pathPrefix: "/open" }, token: "none" },
          { name: "exact", when: { path: "/a b".replace(" ", "%20") }, token: "none" },
          { name: "rest" },
        ],
      }),
    );
    for (const path of [
      "/%6fpen",
      "/open%2Dx/..a",
      "/op%65n/1",
      "/open;v=1",
      "/open;/x",
      "/a%20b;x",
      "/%61%20b",
    ])
      assertDenied(scene.ask({ path }), path === "/open%2Dx/..a" ? "token_absent" : "path_ambiguous", path);
    for (const path of ["/open/%61", "/open/a;v=1", "/open/caf%C3%A9;x/1", "/a%20b"])
      assertAllowed(scene.ask({ path }), path);
    assertDenied(scene.ask({ path: "/other;x=%61" }), "token_absent");
  });

  it("is a dot segment also with a parameter behind it, as servlet containers read it", () => {
    for (const path of ["/public/..;/orders", "/public/..;x=1/orders", "/public/.;/orders", "/public/..;"])
      assertDenied(taking({ pathPrefix: "/public" }).ask({ path }), "path_ambiguous", path);
  });
});

describe("a rule's methods and authority", () => {
  it("methods are compared as bytes", () => {
    const scene = taking({ methods: ["GET", "M-SEARCH"] });
    for (const method of ["GET", "M-SEARCH"]) assertAllowed(scene.ask({ method }), method);
    for (const method of ["POST", "GETS", "HEAD"]) assertDenied(scene.ask({ method }), "no_rule", method);
    for (const method of ["get", "Get", "", "GET ", "G\u00cbT"])
      assertDenied(scene.ask({ method }), "method_ambiguous", method);
  });

  it("an authority without a port takes every port, case and a final dot aside", () => {
    const scene = taking({ authority: "orders.example.org" });
    for (const authority of [
      "orders.example.org",
      "ORDERS.Example.org",
      "orders.example.org.",
      "orders.example.org:8443",
      "Orders.example.org.:1",
    ])
      assertAllowed(scene.ask({ authority }), authority);
    for (const authority of [
      "example.org",
      "xorders.example.org",
      "orders.example.org.evil",
      "orders.example.orgx",
    ])
      assertDenied(scene.ask({ authority }), "no_rule", authority);
  });

  it("an authority with a port takes that one", () => {
    const scene = taking({ authority: "orders.example.org:8443" });
    assertAllowed(scene.ask({ authority: "orders.example.org:8443" }));
    for (const authority of ["orders.example.org", "orders.example.org:443", "orders.example.org:84430"])
      assertDenied(scene.ask({ authority }), "no_rule", authority);
  });

  it("an IPv6 address is one host", () => {
    const scene = taking({ authority: "[::1]" });
    for (const authority of ["[::1]", "[::1]:8080"]) assertAllowed(scene.ask({ authority }), authority);
    for (const authority of ["[::2]", "[::1:0]", "1.1.1.1"])
      assertDenied(scene.ask({ authority }), "no_rule", authority);
  });

  it("an authority that a server may read otherwise is refused before any rule", () => {
    for (const authority of [
      "",
      ".",
      "a..b",
      ".a",
      "a..",
      "a,b",
      "a b",
      "a@b",
      "a/b",
      "%61",
      "a:",
      "a:x",
      "a:123456",
      "a:b:1",
      "[::1",
      "::1",
      "[]",
      "[::1]x",
      "caf\u00e9",
      "a".repeat(262),
    ])
      assertDenied(taking({ pathPrefix: "/" }).ask({ authority }), "authority_ambiguous", authority);
  });

  it("all conditions have to hold", () => {
    const scene = taking({ path: "/a", methods: ["GET"], authority: "a.example" });
    assertAllowed(scene.ask({ path: "/a", method: "GET", authority: "a.example" }));
    assertDenied(scene.ask({ path: "/b", method: "GET", authority: "a.example" }), "no_rule");
    assertDenied(scene.ask({ path: "/a", method: "PUT", authority: "a.example" }), "no_rule");
    assertDenied(scene.ask({ path: "/a", method: "GET", authority: "b.example" }), "no_rule");
  });
});

describe("several rules", () => {
  const scene = new Scene(
    policy({
      rules: [
        { name: "health", when: { path: "/healthz" }, token: "none" },
        { name: "trial", when: { pathPrefix: "/orders/trial" }, mode: "observe" },
        { name: "orders", when: { pathPrefix: "/orders" } },
      ],
    }),
  );

  it("are asked in order, the first that matches decides", () => {
    assertAllowed(scene.ask({ path: "/healthz" }));
    assertAllowed(scene.present(good, { path: "/orders" }));
    assertDenied(scene.present(good, { path: "/orders", peer: thief }), "spiffe_mismatch");
    assertWouldDeny(scene.present(good, { path: "/orders/trial/1", peer: thief }), "spiffe_mismatch");
    assertDenied(scene.present(good, { path: "/other" }), "no_rule");
  });

  it("a rule's mode goes before the policy's, both ways", () => {
    const rules = [{ name: "orders", when: { pathPrefix: "/orders" }, mode: "enforce" }, { name: "rest" }];
    const observed = new Scene(policy({ mode: "observe", rules }));
    assertDenied(observed.present(good, { path: "/orders", peer: thief }), "spiffe_mismatch");
    assertWouldDeny(observed.present(good, { path: "/", peer: thief }), "spiffe_mismatch");
  });

  it("what may be any rule's is observed only where every rule observes", () => {
    const open = { name: "open", when: { pathPrefix: "/open" }, mode: "observe" };
    const rest = { name: "rest", mode: "observe" };
    for (const [mode, rules] of [
      ["observe", [open, rest]],
      ["enforce", [open, rest]],
      ["observe", [open]],
    ] as const)
      assertWouldDeny(new Scene(policy({ mode, rules })).ask({ path: "/open//" }), "path_ambiguous");
    for (const [mode, rules] of [
      ["enforce", [open]],
      ["observe", [open, { ...rest, mode: "enforce" }]],
    ] as const)
      assertDenied(new Scene(policy({ mode, rules })).ask({ path: "/open//" }), "path_ambiguous");
  });
});
