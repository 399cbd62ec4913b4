// client.js as a module: the script is the one implementation, and this gives out its names.
import "./client.js";

export const { TornadoWebSocket, tws } = globalThis;
export const { SUBPROTOCOL, RequestError } = TornadoWebSocket;
export default TornadoWebSocket;
