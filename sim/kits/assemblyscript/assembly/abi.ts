// The reducer's side of the ABI: memory, envelopes, and the reason of a trap.
//
// The first `alloc` after a step frees all memory that the step used.

import { Writer, document, field, isNull } from "./cbor";

let isSpent: bool = false;

/** Where the host finds the reason of a trap. */
export const trap_message: usize = memory.data(8);

/** A buffer for the host, valid until the first `alloc` after the next step. */
export function alloc(length: i32): usize {
  if (isSpent) {
    heap.reset();
    isSpent = false;
  }
  return heap.alloc(length);
}

/** Called by `throw` and `assert`. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const words = String.UTF8.encode(message === null ? "no message" : message);
  store<usize>(trap_message, changetype<usize>(words));
  store<i32>(trap_message, words.byteLength, 4);
  unreachable();
}

/** The input of a step. Its fields are addresses of values. */
export class Input {
  /** The state, or 0 if there is none. */
  readonly state: usize;
  /** The byte string that holds the state. */
  readonly stateBytes: usize;
  /** The name of the event's arm. */
  readonly tag: usize;
  /** The value of that arm. */
  readonly value: usize;

  constructor(envelope: usize) {
    const bytes = field(envelope, "state");
    this.stateBytes = bytes;
    this.state = isNull(bytes) ? 0 : document(bytes);
    const event = document(field(field(envelope, "event"), "value"));
    this.tag = field(event, "$tag");
    this.value = field(event, "$value");
  }
}

/** The output of a step. The state stays as it is unless it is set or deleted. */
export class Output {
  private state: Writer | null = null;
  private isDeleted: bool = false;
  private events: Writer = new Writer();
  private eventCount: i32 = 0;
  private effect: Writer | null = null;

  /** Replaces the state. */
  setState(state: Writer): void {
    this.state = state;
  }

  /** Deletes the state, and with it the cell. */
  deleteState(): void {
    this.isDeleted = true;
  }

  /** Emits an event. */
  emit(schema: string, value: Writer): void {
    this.events.map(2).text("schema").text(schema).text("value").bytes(value);
    this.eventCount += 1;
  }

  /** Sets a timer. Its receipt comes back to the same cell. */
  setTimer(at: u64, key: string | null): void {
    const params = Writer.document().map(2).text("key").textOrNull(key);
    params.text("deliver_at_ns").nat(at);
    const effect = new Writer().map(3).text("kind").text("timer.set");
    effect.text("cap_slot").text("default").text("params_cbor").bytes(params);
    this.effect = effect;
  }

  /** Writes the envelope, and its address and length at `ret`. */
  finish(input: Input, ret: usize): void {
    const effect = this.effect;
    const state = this.state;
    const out = new Writer().map(3).text("state");
    if (state !== null) out.bytes(state);
    else if (this.isDeleted || input.state == 0) out.nil();
    else out.copy(input.stateBytes);
    out.text("domain_events").list(this.eventCount).append(this.events);
    out.text("effects").list(effect === null ? 0 : 1);
    if (effect !== null) out.append(effect);
    store<usize>(ret, out.start);
    store<i32>(ret, out.length, 4);
    isSpent = true;
  }
}
