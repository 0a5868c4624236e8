/** The algorithms that the filter verifies and the command signs with. */
export const ALGORITHMS = ["ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "EdDSA"];
