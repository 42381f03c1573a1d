// A TLS socket with client certificates that gives back what it gets. `node echo-server.mjs CONFIG`; says its port.
import { readFileSync } from "node:fs";
import { createServer } from "node:tls";

const { ca, certificate, key } = JSON.parse(process.argv[2]);
const server = createServer(
  {
    ca: readFileSync(ca),
    cert: readFileSync(certificate),
    key: readFileSync(key),
    requestCert: true,
    rejectUnauthorized: true,
  },
  (socket) => {
    socket.setNoDelay(true);
    socket.pipe(socket);
    socket.on("error", () => undefined);
  },
);
server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
