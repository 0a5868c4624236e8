import { stdout } from "node:process";
import pc from "picocolors";

/**
 * Colours for what a person reads on standard output. What reads a pipe gets plain text, in CI too, where the library
 * would decide otherwise.
 */
export const colors = pc.createColors(stdout.isTTY ? stdout.hasColors() : false);
