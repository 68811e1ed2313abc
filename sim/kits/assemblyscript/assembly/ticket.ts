// A ticket that a buyer holds for a while. If it is paid in time it is sold, otherwise freed.

import { Input, Output } from "./abi";
import { Writer, field, isTrue, nat, text, textOrNull } from "./cbor";

export { alloc, trap_message } from "./abi";

/** How long a ticket is held. */
const HELD_NS: u64 = 600_000_000_000;

/** `ticket/State@1`. A ticket that nobody holds has no state. */
class Ticket {
  constructor(public buyer: string, public until: u64, public paid: bool) {}

  /** Null if nobody holds it. */
  static read(state: usize): Ticket | null {
    if (state == 0) return null;
    const until = nat(field(state, "until_ns"));
    return new Ticket(text(field(state, "buyer")), until, isTrue(field(state, "paid")));
  }

  write(): Writer {
    const state = Writer.document().map(3).text("paid").truth(this.paid);
    return state.text("buyer").text(this.buyer).text("until_ns").nat(this.until);
  }
}

/** One step, a pure function of state and event. A step without output keeps the state. */
export function step(ret: usize, envelope: usize, length: i32): void {
  const input = new Input(envelope);
  const output = new Output();
  const ticket = Ticket.read(input.state);
  const tag = text(input.tag);
  if (ticket === null) {
    if (tag == "hold") hold(input.value, output);
  } else if (!ticket.paid) {
    if (tag == "pay") pay(ticket, input.value, output);
    else if (tag == "cancel") cancel(ticket, input.value, output);
    else if (tag == "timer") onTimer(ticket, input.value, output);
  }
  output.finish(input, ret);
}

function hold(event: usize, output: Output): void {
  const now = nat(field(event, "now_ns"));
  const until = now > u64.MAX_VALUE - HELD_NS ? u64.MAX_VALUE : now + HELD_NS;
  output.setState(new Ticket(text(field(event, "buyer")), until, false).write());
  output.setTimer(until, text(field(event, "ticket")));
}

function pay(ticket: Ticket, event: usize, output: Output): void {
  if (ticket.buyer != text(field(event, "buyer"))) return;
  ticket.paid = true;
  output.setState(ticket.write());
  const sold = Writer.document().map(2).text("buyer").text(ticket.buyer);
  output.emit("ticket/Sold@1", sold.text("ticket").text(text(field(event, "ticket"))));
}

function cancel(ticket: Ticket, event: usize, output: Output): void {
  if (ticket.buyer == text(field(event, "buyer"))) output.deleteState();
}

/**
 * A timer may fire early, late, twice, or for an earlier hold. Only the one of this hold counts,
 * and if it fired early or failed it is set again.
 */
function onTimer(ticket: Ticket, fired: usize, output: Output): void {
  const requested = field(fired, "requested");
  const due = nat(field(requested, "deliver_at_ns"));
  if (due != ticket.until) return;
  const isLate = nat(field(field(fired, "receipt"), "delivered_at_ns")) >= due;
  if (isLate && text(field(fired, "status")) == "ok") output.deleteState();
  else output.setTimer(due, textOrNull(field(requested, "key")));
}
