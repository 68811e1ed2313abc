// The part of CBOR that a reducer needs.
//
// Values are read in place. The host has checked the input against the schemas and made it
// canonical, so a value is just an address, and nothing is checked twice.

/** The number or length in the last head that was read. */
let argument: u64 = 0;

/** Reads a head and returns the address after it. */
function head(at: usize): usize {
  const info = load<u8>(at) & 31;
  if (info < 24) {
    argument = info;
    return at + 1;
  }
  switch (info) {
    case 24: argument = load<u8>(at, 1); return at + 2;
    case 25: argument = bswap<u16>(load<u16>(at, 1)); return at + 3;
    case 26: argument = bswap<u32>(load<u32>(at, 1)); return at + 5;
    case 27: argument = bswap<u64>(load<u64>(at, 1)); return at + 9;
    default: throw new Error("a length that is not definite");
  }
}

/** The address after a value. */
function skip(at: usize): usize {
  const major = load<u8>(at) >> 5;
  at = head(at);
  let left = argument;
  switch (major) {
    case 2: case 3: return at + <usize>left;
    case 4: break;
    case 5: left *= 2; break;
    case 6: left = 1; break;
    default: return at;
  }
  for (; left > 0; left--) at = skip(at);
  return at;
}

/** Whether a value is null or missing. */
export function isNull(at: usize): bool {
  return at == 0 || load<u8>(at) == 0xf6;
}

/** The value of a field of a map, or 0 if there is no such field. */
export function field(map: usize, name: string): usize {
  let at = head(map);
  for (let left = argument; left > 0; left--) {
    const isIt = text(at) == name;
    at = skip(at);
    if (isIt) return at;
    at = skip(at);
  }
  return 0;
}

/** Reads a number of type `nat`. */
export function nat(at: usize): u64 {
  if (at == 0 || load<u8>(at) >> 5 != 0) throw new Error("no nat where one is expected");
  head(at);
  return argument;
}

/** True or false. */
export function isTrue(at: usize): bool {
  if (at == 0 || (load<u8>(at) & 0xfe) != 0xf4) throw new Error("no bool where one is expected");
  return load<u8>(at) == 0xf5;
}

/** Reads a text. */
export function text(at: usize): string {
  if (at == 0 || load<u8>(at) >> 5 != 3) throw new Error("no text where one is expected");
  const start = head(at);
  return String.UTF8.decodeUnsafe(start, <usize>argument);
}

/** Reads a text or null. */
export function textOrNull(at: usize): string | null {
  return isNull(at) ? null : text(at);
}

/** The document in a byte string, without its self-describing tag. */
export function document(bytes: usize): usize {
  if (bytes == 0 || load<u8>(bytes) >> 5 != 2) throw new Error("no bytes where they are expected");
  const at = head(bytes);
  return load<u8>(at) == 0xd9 ? at + 3 : at;
}

/** Writes values one after another. */
export class Writer {
  start: usize = heap.alloc(256);
  length: i32 = 0;
  private room: i32 = 256;

  /** A writer for a document, which another writer then puts into a byte string. */
  static document(): Writer {
    const writer = new Writer();
    const at = writer.more(3);
    store<u8>(at, 0xd9);
    store<u16>(at, 0xf7d9, 1);
    return writer;
  }

  map(pairs: i32): Writer { return this.head(5, pairs); }
  list(items: i32): Writer { return this.head(4, items); }
  nat(number: u64): Writer { return this.head(0, number); }

  truth(is: bool): Writer {
    store<u8>(this.more(1), is ? 0xf5 : 0xf4);
    return this;
  }

  nil(): Writer {
    store<u8>(this.more(1), 0xf6);
    return this;
  }

  text(text: string): Writer {
    const length = String.UTF8.byteLength(text);
    this.head(3, length);
    const at = this.more(length);
    String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, at);
    return this;
  }

  textOrNull(text: string | null): Writer {
    return text === null ? this.nil() : this.text(text);
  }

  bytes(document: Writer): Writer {
    return this.head(2, document.length).append(document);
  }

  /** Copies a value from the input. */
  copy(value: usize): Writer {
    return this.raw(value, <i32>(skip(value) - value));
  }

  /** Appends the values of another writer. */
  append(other: Writer): Writer {
    return this.raw(other.start, other.length);
  }

  private raw(from: usize, length: i32): Writer {
    memory.copy(this.more(length), from, length);
    return this;
  }

  private head(major: u8, number: u64): Writer {
    const first = major << 5;
    if (number < 24) {
      store<u8>(this.more(1), first | <u8>number);
    } else if (number < 1 << 8) {
      const at = this.more(2);
      store<u8>(at, first | 24);
      store<u8>(at, <u8>number, 1);
    } else if (number < 1 << 16) {
      const at = this.more(3);
      store<u8>(at, first | 25);
      store<u16>(at, bswap<u16>(<u16>number), 1);
    } else if (number <= u32.MAX_VALUE) {
      const at = this.more(5);
      store<u8>(at, first | 26);
      store<u32>(at, bswap<u32>(<u32>number), 1);
    } else {
      const at = this.more(9);
      store<u8>(at, first | 27);
      store<u64>(at, bswap<u64>(number), 1);
    }
    return this;
  }

  /** Makes room for more bytes and returns their address. */
  private more(bytes: i32): usize {
    if (this.length + bytes > this.room) {
      this.room = max(2 * this.room, this.length + bytes);
      const start = heap.alloc(this.room);
      memory.copy(start, this.start, this.length);
      this.start = start;
    }
    this.length += bytes;
    return this.start + this.length - bytes;
  }
}
