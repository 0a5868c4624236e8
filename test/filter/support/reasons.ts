import { Reason } from "../../../assembly/decision/reason.ts";

/** Every row of the table. */
export const reasons: readonly Reason[] = Object.values(Reason).filter((value) => typeof value === "number");
