// client.js as a module, which exports the names of the script.
import "./client.js";

export const { TornadoWebSocket, tws } = globalThis;
export const { SUBPROTOCOL, RequestError } = TornadoWebSocket;
export default TornadoWebSocket;
