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

describe("a rule's path template", () => {
  it("has segments of any text in braces, each one segment and not empty", () => {
    for (const pathTemplate of ["/orders/{id}/items", "/orders/{*}/items", "/orders/{order-id_1}/items"]) {
      const scene = taking({ pathTemplate });
      for (const path of [
        "/orders/1/items",
        "/orders/{id}/items",
        "/orders/items/items?x",
        "/orders/.../items",
      ])
        assertAllowed(scene.ask({ path }), path);
      for (const path of [
        "/",
        "/orders",
        "/orders/",
        "/orders/1",
        "/orders/1/",
        "/orders/1/item",
        "/orders/items",
      ])
        assertDenied(scene.ask({ path }), "no_rule", path);
      for (const path of [
        "/orders/1/items/",
        "/orders/1/items/2",
        "/orders/1/2/items",
        "/x/1/items",
        "/orders1/x/items",
      ])
        assertDenied(scene.ask({ path }), "no_rule", path);
      assertDenied(scene.ask({ path: "/orders//items" }), "path_ambiguous");
    }
  });

  it("may begin with one, have several, and end in a slash", () => {
    const scene = taking({ pathTemplate: "/{tenant}/{user}/" });
    for (const path of ["/a/b/", "/a/a/"]) assertAllowed(scene.ask({ path }), path);
    for (const path of ["/", "/a", "/a/", "/a/b", "/a/b/c", "/a/b/c/"])
      assertDenied(scene.ask({ path }), "no_rule", path);
    assertAllowed(taking({ pathTemplate: "/{any}" }).ask({ path: "/a" }));
    for (const path of ["/", "/a/", "/a/b"])
      assertDenied(taking({ pathTemplate: "/{any}" }).ask({ path }), "no_rule", path);
  });

  it("takes with `{**}` whatever follows the slash, also nothing", () => {
    const scene = taking({ pathTemplate: "/files/{**}" });
    for (const path of ["/files/", "/files/a", "/files/a/", "/files/a/b/c", `/files${"/a".repeat(8_000)}`])
      assertAllowed(scene.ask({ path }), path.slice(0, 20));
    for (const path of ["/files", "/files1/", "/file/", "/x/files/"])
      assertDenied(scene.ask({ path }), "no_rule", path);
    const deep = taking({ pathTemplate: "/{a}/b/{**}" });
    for (const path of ["/x/b/", "/x/b/c/d"]) assertAllowed(deep.ask({ path }), path);
    for (const path of ["/x/b", "/x/c/", "/b/"]) assertDenied(deep.ask({ path }), "no_rule", path);
    for (const path of ["/", "/a", "/a/b/"])
      assertAllowed(taking({ pathTemplate: "/{**}" }).ask({ path }), path);
  });

  it("of 32 segments is compared with all of them", () => {
    const segments = Array.from({ length: 31 }, (_, i) => `s${i}`);
    const scene = taking({ pathTemplate: `/{id}/${segments.join("/")}` });
    const path = `/x/${segments.join("/")}`;
    assertAllowed(scene.ask({ path }));
    for (const other of [
      `${path}/`,
      `${path}/x`,
      path.replace(/s30$/, "s31"),
      `${path}${"/x".repeat(8_000)}`,
    ])
      assertDenied(scene.ask({ path: other }), "no_rule", other.slice(-20));
    const open = taking({ pathTemplate: `/{id}/${segments.slice(1).join("/")}/{**}` });
    assertAllowed(open.ask({ path: `/x/${segments.slice(1).join("/")}/${"/x".repeat(8_000).slice(1)}` }));
  });

  it("is compared as it stands and decoded", () => {
    const scene = taking({ pathTemplate: "/caf%C3%A9/{id}/a%20b" });
    for (const path of [
      "/caf%C3%A9/1/a%20b",
      "/caf%C3%A9/%41/a%20b",
      "/caf%C3%A9/a;x=1/a%20b",
      "/caf%C3%A9/%7B/a%20b",
    ])
      assertAllowed(scene.ask({ path }), path);
    for (const path of [
      "/caf%c3%a9/1/a%20b",
      "/caf%C3%A9/1/a%20%62",
      "/caf%C3%A9/1/a%20b;x",
      "/caf%C3%A9/%3Fx/a%20b",
    ])
      assertDenied(scene.ask({ path }), "path_ambiguous", path);
    const brace = taking({ pathTemplate: "/a%7Bb/{id}" });
    for (const path of ["/a%7Bb/1", "/a{b/1"]) assertAllowed(brace.ask({ path }), path);
    const last = taking({ pathTemplate: "/orders/{id}" });
    for (const path of ["/orders/%3Fx", "/orders/%23"])
      assertDenied(last.ask({ path }), "path_ambiguous", path);
  });
});

describe("a rule's gRPC service and method", () => {
  it("are the path that gRPC makes of them, whatever speaks on it", () => {
    const scene = taking({ grpc: { service: "shop.v1.Orders", method: "Get" } });
    for (const contentType of ["application/grpc", "application/grpc-web", "application/json"]) {
      const headers = [["content-type", contentType]] as const;
      assertAllowed(scene.ask({ method: "POST", path: "/shop.v1.Orders/Get", headers }), contentType);
    }
    for (const path of [
      "/shop.v1.Orders/GetAll",
      "/shop.v1.Orders/get",
      "/shop.v1.Orders/Get/",
      "/shop.v1.Orders",
    ])
      assertDenied(scene.ask({ path }), "no_rule", path);
    for (const path of ["/shop.v1.Orders/%47et", "/shop%2Ev1.Orders/Get", "/shop.v1.Orders/Get;x"])
      assertDenied(scene.ask({ path }), "path_ambiguous", path);
  });

  it("without a method are every method", () => {
    const scene = taking({ grpc: { service: "Orders" } });
    for (const path of ["/Orders/Get", "/Orders/_List2"]) assertAllowed(scene.ask({ path }), path);
    for (const path of ["/orders/Get", "/Orders2/Get", "/v1.Orders/Get"])
      assertDenied(scene.ask({ path }), "no_rule", path);
  });
});

describe("a rule's headers", () => {
  const ask = (scene: Scene, ...names: readonly string[]) =>
    scene.ask({ headers: names.map((name) => [name, ""] as const) });

  it("have to be there, all of them, with any value and any number of times", () => {
    const scene = taking({ headers: ["x-trial", "x-team"] });
    assertAllowed(ask(scene, "x-trial", "x-team"));
    assertAllowed(ask(scene, "x-team", "x-other", "x-trial", "x-team"));
    assertAllowed(
      scene.ask({
        headers: [
          ["x-team", "a"],
          ["x-trial", "b"],
        ],
      }),
    );
    for (const names of [[], ["x-trial"], ["x-team"], ["x-trial", "x-teams"], ["x-trial", "team"]])
      assertDenied(ask(scene, ...names), "no_rule", names.join());
  });

  it("make way for the next rule where they are not", () => {
    const scene = new Scene(
      policy({
        rules: [
          { name: "acting", when: { headers: ["x-act-for"] } },
          { name: "rest", token: "none" },
        ],
      }),
    );
    assertDenied(ask(scene, "x-act-for"), "token_absent");
    assertAllowed(ask(scene));
    assertAllowed(ask(scene, "x-act-fo", "x-act-for-", "xxact-for"));
  });

  it("are none where another spelling of `-` and `_` would lead to another rule", () => {
    for (const [wanted, given] of [
      ["x-act-for", "x_act_for"],
      ["x-act-for", "x-act_for"],
      ["x_act", "x-act"],
    ] as const) {
      const strict = { name: "strict", when: { headers: [wanted] } };
      const other = { name: "other", token: "none" };
      assertDenied(ask(new Scene(policy({ rules: [strict, other] })), given), "header_ambiguous");
      assertDenied(ask(taking({ headers: [wanted] }), given), "header_ambiguous");
      assertAllowed(ask(taking({ headers: [wanted] }), given, wanted));
    }
    const elsewhere = new Scene(
      policy({
        rules: [
          { name: "strict", when: { path: "/a", headers: ["x-act"] } },
          { name: "rest", token: "none" },
        ],
      }),
    );
    assertAllowed(ask(elsewhere, "x_act"));
  });

  it("of 64 names are told apart", () => {
    const names = Array.from({ length: 64 }, (_, i) => `x-${i}`);
    const scene = new Scene(
      policy({ rules: names.map((name) => ({ name, when: { headers: [name] }, token: "none" })) }),
    );
    for (const name of names) assertAllowed(ask(scene, name), name);
    assertDenied(ask(scene, "x-64", "x-"), "no_rule");
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
    for (const authority of ["orders.example.org", "orders.example.org:443", "orders.example.org:18443"])
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
