// Types of progress.js, a script without exports: its global, which the module declares too.
/// <reference path="./progress.d.mts" />
