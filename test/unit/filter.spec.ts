import { resetArena } from "../../assembly/host/arena";
import {
  configureRoot,
  createContext,
  deleteContext,
  policyOf,
  rootFor,
} from "../../assembly/filter/contexts";
import { Policy } from "../../assembly/policy/policy";
import { Action } from "../../assembly/filter/apply";
import { handleRequest } from "../../assembly/filter/request";
import { Waiting, addWaiter, callExpired, takeCalled } from "../../assembly/filter/waiting";
import { makeForever } from "../../assembly/host/arena";
import { utf8 } from "./support";

const POLICY = '{"issuers":{"corp":{"issuer":"https://idp.example","keys":"jwt_authn"}}}';

function configure(root: u32, policy: string): bool {
  resetArena();
  return configureRoot(root, utf8(policy));
}

function policyFor(stream: u32): Policy | null {
  return policyOf(rootFor(stream));
}

describe("contexts", () => {
  test("a stream falls under its own root's policy, asked for once", () => {
    createContext(1, 0);
    createContext(2, 0);
    expect(configure(1, POLICY)).toBe(true);
    expect(configure(2, POLICY)).toBe(true);
    createContext(3, 1);
    createContext(4, 2);
    const second = policyFor(4);
    const first = policyFor(3);
    expect(first == null || second == null || first == second).toBe(false);
    expect(policyFor(3) == null).toBe(true);
  });

  test("a stream of an unknown root, or unknown itself, has no policy", () => {
    createContext(10, 9);
    expect(policyFor(10) == null).toBe(true);
    expect(policyFor(11) == null).toBe(true);
    expect(policyFor(0) == null).toBe(true);
  });

  test("a refused policy leaves the one before", () => {
    createContext(20, 0);
    expect(configure(20, POLICY)).toBe(true);
    expect(configure(20, "{}")).toBe(false);
    createContext(21, 20);
    expect(policyFor(21) == null).toBe(false);
    expect(configure(99, POLICY)).toBe(false);
  });

  test("a root that has ended gives no policy, and its place goes to another", () => {
    createContext(30, 0);
    expect(configure(30, POLICY)).toBe(true);
    createContext(31, 30);
    deleteContext(30);
    expect(policyFor(31) == null).toBe(true);
    createContext(32, 0);
    createContext(33, 32);
    expect(policyFor(33) == null).toBe(true);
  });
});

describe("a request that waits", () => {
  test("keeps nothing of an old policy's expressions when its root context gets another policy", () => {
    const request = makeForever<Waiting>();
    createContext(50, 0);
    createContext(51, 0);
    expect(configure(50, POLICY)).toBe(true);
    for (let root = 50; root <= 51; root++) {
      request.stream = root + 50;
      request.root = root;
      request.until = 1;
      request.trueExpressions = 5;
      expect(addWaiter(request, 1)).toBe(true);
    }
    expect(configure(50, POLICY)).toBe(true);
    callExpired(50, 2);
    expect(takeCalled(request)).toBe(true);
    expect(request.trueExpressions).toBe(0);
    callExpired(51, 2);
    expect(takeCalled(request)).toBe(true);
    expect(request.trueExpressions).toBe(5);
    expect(takeCalled(request)).toBe(false);
  });
});

describe("a request that nothing is known of", () => {
  test("stops", () => {
    resetArena();
    expect(handleRequest(null, 1)).toBe(Action.Stop);
    createContext(40, 0);
    expect(configure(40, POLICY)).toBe(true);
    createContext(41, 40);
    resetArena();
    expect(handleRequest(rootFor(41), 41)).toBe(Action.Stop);
  });
});
