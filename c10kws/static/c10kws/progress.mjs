// progress.js as a module, which exports the name of the script.
import "./progress.js";

export const { ProgressBarModule } = globalThis;
export default ProgressBarModule;
