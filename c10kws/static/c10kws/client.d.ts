// Types of client.js, a script without exports: its globals, which the module declares too.
/// <reference path="./client.d.mts" />
