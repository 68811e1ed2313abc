// A ticket that a buyer holds for a while. If it is paid in time it is sold, otherwise freed.
//
// The file is freestanding: no libc, no imports. It reads CBOR in place and writes the output where
// the host reads it. The host has checked the input against the schemas and made it canonical, so
// a value is just a pointer, and nothing is checked twice.

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef _Bool bool;

enum { false, true };

#define EXPORT(name) __attribute__((export_name(#name)))

// The reason of a trap, which the host shows in its reports.

struct {
  const char *text;
  u32 length;
} trap_message;

static u32 length_of(const char *text) {
  u32 length = 0;
  while (text[length]) length++;
  return length;
}

_Noreturn static void stop(const char *why) {
  trap_message.text = why;
  trap_message.length = length_of(why);
  __builtin_trap();
}

// Memory. The first `alloc` after a step frees all that the step used.

extern u8 __heap_base;
static u8 *next;
static bool is_spent = true;

static void reserve(const u8 *end) {
  u64 missing = (u64)(u32)end;
  u64 have = (u64)__builtin_wasm_memory_size(0) << 16;
  if (missing <= have) return;
  u32 pages = (missing - have + 65535) >> 16;
  if (__builtin_wasm_memory_grow(0, pages) == (u32)-1) stop("memory cannot grow");
}

EXPORT(alloc) u8 *alloc(u32 length) {
  if (is_spent) next = &__heap_base;
  is_spent = false;
  u8 *start = next;
  next = start + ((length + 7) & ~7u);
  reserve(next);
  return start;
}

// Reading.

enum { NAT, NEGATIVE, BYTES, TEXT, LIST, MAP, TAG, OTHER };

static u32 major(const u8 *at) { return *at >> 5; }

// Reads the number in a head, and moves past it.
static u64 head(const u8 **at) {
  u32 info = *(*at)++ & 31;
  if (info < 24) return info;
  if (info > 27) stop("a length that is not definite");
  u64 number = 0;
  for (u32 left = 1u << (info - 24); left > 0; left--) number = number << 8 | *(*at)++;
  return number;
}

static const u8 *skip(const u8 *at) {
  u32 kind = major(at);
  u64 left = head(&at);
  if (kind == BYTES || kind == TEXT) return at + left;
  if (kind == NAT || kind == NEGATIVE || kind == OTHER) return at;
  if (kind == MAP) left *= 2;
  if (kind == TAG) left = 1;
  for (; left > 0; left--) at = skip(at);
  return at;
}

static bool is_null(const u8 *at) { return !at || *at == 0xf6; }

static bool is_true(const u8 *at) { return at && *at == 0xf5; }

static bool is_text(const u8 *at, const char *text) {
  if (!at || major(at) != TEXT) return false;
  u64 length = head(&at);
  if (length != length_of(text)) return false;
  for (u32 i = 0; i < length; i++)
    if (at[i] != (u8)text[i]) return false;
  return true;
}

// The value of a field of a map, or null if there is no such field.
static const u8 *field(const u8 *map, const char *name) {
  if (!map || major(map) != MAP) stop("no map where one is expected");
  const u8 *at = map;
  for (u64 left = head(&at); left > 0; left--) {
    const u8 *value = skip(at);
    if (is_text(at, name)) return value;
    at = skip(value);
  }
  return 0;
}

static u64 nat(const u8 *at) {
  if (!at || major(at) != NAT) stop("no nat where one is expected");
  return head(&at);
}

// Whether two values are equal. Canonical values are equal if their bytes are.
static bool is_same(const u8 *one, const u8 *other) {
  const u8 *end = skip(one);
  while (one < end)
    if (*one++ != *other++) return false;
  return true;
}

// The document in a byte string, without its self-describing tag.
static const u8 *document(const u8 *bytes) {
  if (!bytes || major(bytes) != BYTES) stop("no bytes where they are expected");
  head(&bytes);
  return *bytes == 0xd9 ? bytes + 3 : bytes;
}

// Writing.

static u8 *out;

static void put(u8 byte) { *out++ = byte; }

static void put_head(u32 kind, u64 number) {
  u32 info = number < 24 ? (u32)number
      : number < 1 << 8 ? 24
      : number < 1 << 16 ? 25
      : number <= 0xffffffff ? 26
      : 27;
  put(kind << 5 | info);
  if (info < 24) return;
  for (u32 left = 1u << (info - 24); left > 0; left--) put(number >> (8 * (left - 1)));
}

static void put_text(const char *text) {
  put_head(TEXT, length_of(text));
  while (*text) put(*text++);
}

static void put_value(const u8 *value) {
  if (!value) return put(0xf6);
  const u8 *end = skip(value);
  while (value < end) put(*value++);
}

// Documents are written as byte strings. The length is only known afterwards, so it always takes
// five bytes; the host reads any width.
static u8 *begin_document(void) {
  put(BYTES << 5 | 26);
  u8 *length = out;
  out += 4;
  put(0xd9), put(0xd9), put(0xf7);
  return length;
}

static void end_document(u8 *length) {
  u32 bytes = out - length - 4;
  for (u32 i = 0; i < 4; i++) length[i] = bytes >> (24 - 8 * i);
}

// The ticket.

// How long a ticket is held.
static const u64 HELD_NS = 600000000000;

// `ticket/State@1`. A ticket that nobody holds has no state.
struct ticket {
  const u8 *buyer;
  u64 until_ns;
  bool paid;
};

static void put_ticket(struct ticket ticket) {
  put_text("state");
  u8 *state = begin_document();
  put_head(MAP, 3);
  put_text("paid"), put(ticket.paid ? 0xf5 : 0xf4);
  put_text("buyer"), put_value(ticket.buyer);
  put_text("until_ns"), put_head(NAT, ticket.until_ns);
  end_document(state);
}

static void put_no_ticket(void) { put_text("state"), put(0xf6); }

static void put_sold(const u8 *name, const u8 *buyer) {
  put_text("domain_events"), put_head(LIST, 1), put_head(MAP, 2);
  put_text("schema"), put_text("ticket/Sold@1"), put_text("value");
  u8 *sold = begin_document();
  put_head(MAP, 2);
  put_text("buyer"), put_value(buyer);
  put_text("ticket"), put_value(name);
  end_document(sold);
}

static void put_timer(u64 at, const u8 *key) {
  put_text("effects"), put_head(LIST, 1), put_head(MAP, 3);
  put_text("kind"), put_text("timer.set");
  put_text("cap_slot"), put_text("default");
  put_text("params_cbor");
  u8 *params = begin_document();
  put_head(MAP, 2);
  put_text("key"), put_value(key);
  put_text("deliver_at_ns"), put_head(NAT, at);
  end_document(params);
}

// Ignores an event: the state stays as it is.
static void ignore(const u8 *state) {
  put_head(MAP, 1);
  put_text("state"), put_value(state);
}

static void on_hold(const u8 *event) {
  u64 now = nat(field(event, "now_ns"));
  u64 until = now > ~0ull - HELD_NS ? ~0ull : now + HELD_NS;
  put_head(MAP, 2);
  put_ticket((struct ticket){field(event, "buyer"), until, false});
  put_timer(until, field(event, "ticket"));
}

static void on_pay(struct ticket ticket, const u8 *event) {
  ticket.paid = true;
  put_head(MAP, 2);
  put_ticket(ticket);
  put_sold(field(event, "ticket"), ticket.buyer);
}

static void on_cancel(void) {
  put_head(MAP, 1);
  put_no_ticket();
}

// A timer may fire early, late, twice, or for an earlier hold. Only the one of this hold counts.
static void on_timer(struct ticket ticket, const u8 *fired, const u8 *state) {
  const u8 *requested = field(fired, "requested");
  u64 due = nat(field(requested, "deliver_at_ns"));
  if (due != ticket.until_ns) return ignore(state);
  bool is_late = nat(field(field(fired, "receipt"), "delivered_at_ns")) >= due;
  if (is_late && is_text(field(fired, "status"), "ok")) return on_cancel();
  // It fired too early or failed: set it again.
  put_head(MAP, 2);
  put_ticket(ticket);
  put_timer(due, field(requested, "key"));
}

// One step, a pure function of state and event.
EXPORT(step) void step(u32 *result, const u8 *envelope, u32 length) {
  // The output holds texts of the state and the event, each once or twice, and names.
  u8 *start = next;
  reserve(start + 2 * length + 512);
  out = start;

  const u8 *state = field(envelope, "state");
  const u8 *event = document(field(field(envelope, "event"), "value"));
  const u8 *tag = field(event, "$tag");
  const u8 *value = field(event, "$value");
  bool is_hold = is_text(tag, "hold");
  bool is_pay = is_text(tag, "pay");
  bool is_cancel = is_text(tag, "cancel");

  if (is_null(state)) {
    if (is_hold) on_hold(value);
    else ignore(state);
  } else {
    const u8 *fields = document(state);
    struct ticket ticket = {
        field(fields, "buyer"),
        nat(field(fields, "until_ns")),
        is_true(field(fields, "paid")),
    };
    bool is_of_buyer = (is_pay || is_cancel) && is_same(field(value, "buyer"), ticket.buyer);
    if (ticket.paid) ignore(state);
    else if (is_pay && is_of_buyer) on_pay(ticket, value);
    else if (is_cancel && is_of_buyer) on_cancel();
    else if (is_text(tag, "timer")) on_timer(ticket, value, state);
    else ignore(state);
  }

  result[0] = (u32)start;
  result[1] = out - start;
  is_spent = true;
}
