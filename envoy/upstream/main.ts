import { createEchoServer, upstreamPort } from "./echo-server.ts";

const server = createEchoServer();
server.listen(upstreamPort);
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    server.close();
    server.closeAllConnections();
  });
}
