// A lease on a resource. It has one holder at a time, until that holder releases it or it expires.
//
// Each grant has a fencing token that is larger than all earlier ones.

import { Input, Output } from "./abi";
import { Writer, field, nat, text, textOrNull } from "./cbor";

export { alloc, trap_message } from "./abi";

/** `lease/State@1`: the state of one resource. */
class Lease {
  /** The holder, or null if the lease is free. */
  holder: string | null = null;
  /** The token of the last grant. */
  token: u64 = 0;
  /** When the last grant ends, in nanoseconds. */
  until: u64 = 0;

  static read(state: usize): Lease {
    const lease = new Lease();
    if (state != 0) {
      lease.holder = textOrNull(field(state, "holder"));
      lease.token = nat(field(state, "token"));
      lease.until = nat(field(state, "until_ns"));
    }
    return lease;
  }

  write(): Writer {
    const state = Writer.document().map(3).text("token").nat(this.token);
    return state.text("holder").textOrNull(this.holder).text("until_ns").nat(this.until);
  }

  /** Whether the lease is free at that time. It may have ended although its timer is late. */
  isFree(now: u64): bool {
    return this.holder === null || now >= this.until;
  }

  /** Whether the event names the current holder and token. */
  isOf(event: usize): bool {
    return this.holder == text(field(event, "holder")) && this.token == nat(field(event, "token"));
  }
}

/** One step, a pure function of state and event. */
export function step(ret: usize, envelope: usize, length: i32): void {
  const input = new Input(envelope);
  const output = new Output();
  const lease = Lease.read(input.state);
  const tag = text(input.tag);
  if (tag == "acquire") acquire(lease, input.value, output);
  else if (tag == "renew") renew(lease, input.value, output);
  else if (tag == "release") release(lease, input.value, output);
  else if (tag == "timer") expire(lease, input.value, output);
  else throw new Error("unknown event");
  output.finish(input, ret);
}

function acquire(lease: Lease, event: usize, output: Output): void {
  const now = nat(field(event, "now_ns"));
  if (!lease.isFree(now)) return;
  const holder = text(field(event, "holder"));
  const resource = text(field(event, "resource"));
  lease.holder = holder;
  lease.token += 1;
  lease.until = end(event);
  const granted = Writer.document().map(3).text("token").nat(lease.token);
  granted.text("holder").text(holder).text("resource").text(resource);
  output.emit("lease/Granted@1", granted);
  output.setTimer(lease.until, resource);
  output.setState(lease.write());
}

/** Extends the lease. It never gets shorter. */
function renew(lease: Lease, event: usize, output: Output): void {
  const now = nat(field(event, "now_ns"));
  if (lease.isFree(now) || !lease.isOf(event) || end(event) <= lease.until) return;
  lease.until = end(event);
  output.setTimer(lease.until, text(field(event, "resource")));
  output.setState(lease.write());
}

function release(lease: Lease, event: usize, output: Output): void {
  if (lease.isOf(event)) free(lease, output);
}

/** Each grant and each renewal sets a timer. Only the one for the current end counts. */
function expire(lease: Lease, fired: usize, output: Output): void {
  const requested = field(fired, "requested");
  const due = nat(field(requested, "deliver_at_ns"));
  if (lease.holder === null) return;
  // Planted: a timer from before a renewal ends the lease.
  if (!isDefined(OLD_TIMER) && due != lease.until) return;
  const isLate = nat(field(field(fired, "receipt"), "delivered_at_ns")) >= due;
  if (isLate && text(field(fired, "status")) == "ok") free(lease, output);
  // It fired too early or failed: set it again.
  else output.setTimer(due, textOrNull(field(requested, "key")));
}

/** Ends the lease. The token stays, because the next one must be larger. */
function free(lease: Lease, output: Output): void {
  // Planted: the state is deleted, so that tokens start again at 1.
  if (isDefined(TOKEN_REUSED)) {
    output.deleteState();
    return;
  }
  lease.holder = null;
  output.setState(lease.write());
}

/** The end of the lease that an event asks for, at most the largest time. */
function end(event: usize): u64 {
  const now = nat(field(event, "now_ns"));
  const millis = nat(field(event, "ttl_ms"));
  const most = (u64.MAX_VALUE - now) / 1_000_000;
  return millis > most ? u64.MAX_VALUE : now + millis * 1_000_000;
}
