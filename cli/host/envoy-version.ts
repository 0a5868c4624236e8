/** Envoy lines that differ in what a filter can see. 1.37 lacks `connection.peer_certificate` and `..._valid`. */
export type EnvoyVersion = "1.37" | "1.40";
