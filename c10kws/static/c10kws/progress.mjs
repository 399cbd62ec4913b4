// progress.js as a module: the script is the one implementation, and this gives out its name.
import "./progress.js";

export const { ProgressBarModule } = globalThis;
export default ProgressBarModule;
