/** A page that only stands there: it gets its light and its menu. */
import { dress } from "./shell.js";

dress();
