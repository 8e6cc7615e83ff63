// What the hub puts into sw.js when it serves it: the address of every static file.
declare const __FILES__: string[];
