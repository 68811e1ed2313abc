//! That bug 0 is the shipped machine, that every other one shows, and that selection is safe.

use planted::{BUGS, Bug, DEEP, Deep, MARKER, select, step_with};
use retry_sm::machine::{Phase, State};
use retry_sm::{step, wire};
use sdk::cbor::Sink;
use sdk::text::Text;
use sdk::{Envelope, Refusal, first_space_bytes};

/// Those that no comparison of single steps on the host can show: they loop, or misuse memory.
const NOT_IN_ONE_STEP: [Bug; 3] = [Bug::LoopsForever, Bug::MemoryHog, Bug::Leaks];

#[derive(Default)]
struct Bytes(Vec<u8>);

impl Sink for Bytes {
    fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn open(&mut self) -> usize {
        self.0.len()
    }

    fn close(&mut self, start: usize) {
        let value = self.0.split_off(start);
        self.bytes(&value);
    }

    fn finish(self) -> Result<usize, Refusal> {
        Ok(self.0.len())
    }
}

fn event(tag: &str, pairs: u64, write: impl FnOnce(&mut Bytes)) -> Vec<u8> {
    let mut out = Bytes::default();
    out.map(2);
    out.text("$tag");
    out.text(tag);
    out.text("$value");
    out.map(pairs);
    write(&mut out);
    out.0
}

fn start(req_id: &str, now_ns: u64) -> Vec<u8> {
    start_with(req_id, now_ns, "do_work")
}

fn start_with(req_id: &str, now_ns: u64, payload: &str) -> Vec<u8> {
    event("start", 5, |out| {
        for (key, value) in [("req_id", req_id), ("payload", payload)] {
            out.text(key);
            out.text(value);
        }
        for (key, value) in [
            ("max_attempts", 3),
            ("base_delay_ms", 10),
            ("now_ns", now_ns),
        ] {
            out.text(key);
            out.nat(value);
        }
    })
}

fn ok(req_id: &str) -> Vec<u8> {
    event("ok", 1, |out| {
        out.text("req_id");
        out.text(req_id);
    })
}

fn err(req_id: &str, transient: bool) -> Vec<u8> {
    event("err", 3, |out| {
        for (key, value) in [("req_id", req_id), ("message", "no")] {
            out.text(key);
            out.text(value);
        }
        out.text("transient");
        out.put(&[0xf4 + u8::from(transient)]);
    })
}

fn timer(deliver_at_ns: u64, req_id: &str, status: &str) -> Vec<u8> {
    let hash = format!("sha256:{}", "0".repeat(64));
    event("timer", 8, |out| {
        for (key, value) in [
            ("intent_hash", hash.as_str()),
            ("reducer", "demo/RetrySM@1"),
            ("effect_kind", "timer.set"),
            ("adapter_id", "sim"),
            ("status", status),
        ] {
            out.text(key);
            out.text(value);
        }
        for (key, instant) in [
            ("requested", "deliver_at_ns"),
            ("receipt", "delivered_at_ns"),
        ] {
            out.text(key);
            out.map(2);
            out.text("key");
            out.text(req_id);
            out.text(instant);
            out.nat(deliver_at_ns);
        }
        out.text("signature");
        out.bytes(&[]);
    })
}

/// A request of three attempts at most, where it stands after so many.
fn request(phase: Phase, attempt: u64) -> State<'static> {
    State {
        phase,
        attempt,
        max_attempts: 3,
        base_delay_ms: 10,
        anchor_ns: 1_000_000,
        payload: Text::new("do_work"),
        req_id: Text::new("r1"),
    }
}

fn envelope(state: Option<&State<'_>>, event: &[u8]) -> Vec<u8> {
    let mut out = Bytes::default();
    out.map(3);
    out.text("version");
    out.nat(1);
    out.text("state");
    match state {
        Some(state) => {
            let mut record = Bytes::default();
            wire::encode_state(&mut record, state);
            out.bytes(&record.0);
        }
        None => out.null(),
    }
    out.text("event");
    out.map(2);
    out.text("schema");
    out.text("demo/RetryEvent@1");
    out.text("value");
    out.bytes(event);
    out.0
}

/// States and events that between them show every bug.
fn inputs() -> Vec<Vec<u8>> {
    let mut states = vec![None];
    for phase in [
        Phase::Idle,
        Phase::Working,
        Phase::Backoff,
        Phase::Done,
        Phase::Failed,
    ] {
        for (attempt, max_attempts) in [
            (1, 3),
            (2, 3),
            (3, 3),
            (28, 100),
            (60, 100),
            (70, 100),
            (1, 0),
        ] {
            let state = State {
                max_attempts,
                ..request(phase, attempt)
            };
            states.push(Some(state));
        }
        states.push(Some(State {
            req_id: Text::new(""),
            ..request(phase, 1)
        }));
    }
    let mut inputs = near_ids();
    for state in &states {
        let awaited = state.map_or(0, |state| state.deliver_at_ns());
        for req_id in ["r1", "r2", ""] {
            for event in [
                start(req_id, 9),
                start(req_id, 1 << 40),
                start(req_id, 1 << 63),
                start_with(req_id, 9, ""),
                ok(req_id),
                err(req_id, true),
                err(req_id, false),
                timer(awaited, req_id, "ok"),
                timer(awaited, req_id, "error"),
                timer(awaited, req_id, "timeout"),
                timer(7, req_id, "timeout"),
            ] {
                inputs.push(envelope(state.as_ref(), &event));
            }
        }
    }
    inputs
}

/// Answers to requests whose ids are nearly that of the request under way; a long payload; a
/// request after one with another delay.
fn near_ids() -> Vec<Vec<u8>> {
    let long = "x".repeat(5_000);
    let pairs = [
        ("r1", "R1"),
        ("r1", "r1."),
        ("r1", "r1 "),
        ("caf\u{e9}", "cafe\u{301}"),
        (&long[..65], &long[..66]),
        ("AaAa", "BBBB"),
        ("1", "01.0"),
        ("r1", "r1\0x"),
    ];
    let mut inputs = Vec::new();
    for (own, other) in pairs {
        let working = State {
            req_id: Text::new(own),
            ..request(Phase::Working, 1)
        };
        inputs.push(envelope(Some(&working), &ok(other)));
    }
    let wait = State {
        payload: Text::new(&long),
        ..request(Phase::Backoff, 1)
    };
    let fires = timer(wait.deliver_at_ns(), "r1", "ok");
    inputs.push(envelope(Some(&wait), &fires));
    let slower = State {
        base_delay_ms: 77,
        ..request(Phase::Done, 1)
    };
    inputs.push(envelope(Some(&slower), &start("r2", 9)));
    inputs
}

fn run(input: &[u8], step: impl Fn(Envelope<'_>, &mut [u8]) -> Result<usize, Refusal>) -> Vec<u8> {
    let mut space = vec![0; first_space_bytes(input.len())];
    let length = step(Envelope::within(input, input.len()), &mut space).unwrap_or(0);
    space.truncate(length);
    space
}

fn transient(req_id: &str) -> Vec<u8> {
    err(req_id, true)
}

fn terminal(req_id: &str) -> Vec<u8> {
    err(req_id, false)
}

/// The output of one event with `bug`.
fn with_bug(bug: Bug, state: &State<'_>, event: &[u8]) -> Vec<u8> {
    run(&envelope(Some(state), event), |input, out| {
        step_with(bug, input, out)
    })
}

/// The output of one event without a bug.
fn shipped(state: &State<'_>, event: &[u8]) -> Vec<u8> {
    run(&envelope(Some(state), event), step)
}

/// What an event that is ignored in that state gives.
fn ignored(state: &State<'_>) -> Vec<u8> {
    shipped(state, &ok("stranger"))
}

#[test]
fn no_bug_is_the_shipped_machine_and_each_bug_shows() {
    let numbers = std::iter::once(0).chain(BUGS.iter().map(|(number, _)| *number));
    for bug in numbers.filter_map(Bug::from_number) {
        // One would not return; the other has a test of its own, and would be seen by it.
        if matches!(bug, Bug::LoopsForever | Bug::HiddenStart) {
            continue;
        }
        let differing = inputs()
            .iter()
            .filter(|input| run(input, step) != run(input, |input, out| step_with(bug, input, out)))
            .count();
        let shows = bug != Bug::None && !NOT_IN_ONE_STEP.contains(&bug);
        assert_eq!(
            differing > 0,
            shows,
            "{bug:?} differs on {differing} inputs"
        );
    }
}

#[test]
fn an_empty_id_matches_any() {
    let bug = Bug::EmptyReqIdMatchesAny;
    let nameless = |phase| State {
        req_id: Text::new(""),
        ..request(phase, 1)
    };
    for phase in [Phase::Working, Phase::Backoff] {
        for answer in [ok, transient, terminal] {
            let (named, nameless) = (request(phase, 1), nameless(phase));
            assert_eq!(
                with_bug(bug, &named, &answer("")),
                shipped(&named, &answer("r1"))
            );
            assert_eq!(
                with_bug(bug, &nameless, &answer("r2")),
                shipped(&nameless, &answer(""))
            );
            assert_eq!(with_bug(bug, &named, &answer("r2")), ignored(&named));
        }
    }
    for phase in [Phase::Idle, Phase::Done, Phase::Failed] {
        let named = request(phase, 1);
        assert_eq!(with_bug(bug, &named, &ok("")), ignored(&named));
        assert_eq!(
            with_bug(bug, &nameless(phase), &ok("r2")),
            ignored(&nameless(phase))
        );
    }
}

/// Where these differ from the shipped machine, they ignore what should have moved the request.
#[test]
fn what_strands_a_request_only_ignores() {
    let at_last_wait = Bug::TimerTimeoutIgnoredAtLastWait;
    let (first, second) = (request(Phase::Working, 1), request(Phase::Working, 2));
    let wait = |attempt| request(Phase::Backoff, attempt);
    let timeout = |state: &State<'_>| timer(state.deliver_at_ns(), "r1", "timeout");
    let error = |state: &State<'_>| timer(state.deliver_at_ns(), "r1", "error");
    for (bug, state, event, shows) in [
        (Bug::TerminalErrIgnored, first, terminal("r1"), true),
        (Bug::TerminalErrIgnored, second, terminal("r1"), true),
        (Bug::TerminalErrIgnored, first, transient("r1"), false),
        (Bug::OkIgnoredAfterRetry, second, ok("r1"), true),
        (Bug::OkIgnoredAfterRetry, first, ok("r1"), false),
        (Bug::OkIgnoredAfterRetry, wait(2), ok("r1"), false),
        (at_last_wait, wait(2), timeout(&wait(2)), true),
        (at_last_wait, wait(1), timeout(&wait(1)), false),
        (at_last_wait, wait(2), error(&wait(2)), false),
    ] {
        let (found, usual) = (with_bug(bug, &state, &event), shipped(&state, &event));
        assert_ne!(usual, ignored(&state), "{bug:?}: {state:?}");
        let expected = if shows { ignored(&state) } else { usual };
        assert_eq!(found, expected, "{bug:?}: {state:?}");
    }
}

#[test]
fn a_start_in_backoff_begins_another_request() {
    let bug = Bug::StartAcceptedInBackoff;
    let (wait, end) = (request(Phase::Backoff, 2), request(Phase::Done, 2));
    let working = request(Phase::Working, 2);
    assert_eq!(
        with_bug(bug, &wait, &start("r2", 9)),
        shipped(&end, &start("r2", 9))
    );
    assert_eq!(with_bug(bug, &wait, &start("r1", 9)), ignored(&wait));
    assert_eq!(with_bug(bug, &working, &start("r2", 9)), ignored(&working));
}

/// The only test with this bug: what it remembers, it remembers for the whole process.
#[test]
fn the_second_start_is_remembered_outside_the_state() {
    let bug = Bug::HiddenStart;
    let (first, second) = (request(Phase::Working, 1), request(Phase::Working, 2));
    for _ in 0..2 {
        assert_eq!(
            with_bug(bug, &first, &transient("r1")),
            shipped(&first, &transient("r1"))
        );
        assert_eq!(with_bug(bug, &first, &start("r2", 9)), ignored(&first));
    }
    assert_eq!(
        with_bug(bug, &first, &transient("r1")),
        shipped(&first, &terminal("r1"))
    );
    assert_eq!(
        with_bug(bug, &second, &transient("r1")),
        shipped(&second, &transient("r1"))
    );
}

#[test]
fn the_table_is_in_order_and_complete() {
    for (index, (number, name)) in BUGS.iter().enumerate() {
        assert_eq!(usize::from(*number), index + 1, "{name}");
        assert!(Bug::from_number(*number).is_some(), "{name}");
        assert!(
            name.bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        );
    }
    assert_eq!(Bug::from_number(BUGS.len() as u8 + 1), None);
}

/// A number means one machine: none is in both tables.
#[test]
fn the_deep_bugs_have_numbers_of_their_own() {
    for (index, (number, name)) in DEEP.iter().enumerate() {
        assert_eq!(usize::from(*number), index + 101, "{name}");
        assert_eq!(
            Deep::from_number(*number).map(|bug| bug as u8),
            Some(*number)
        );
        assert_eq!(Bug::from_number(*number), None, "{name}");
    }
    assert_eq!(Deep::from_number(100), Some(Deep::None));
    assert_eq!(Bug::from_number(100), None);
    let next = DEEP.len() as u8 + 101;
    assert_eq!(Deep::from_number(next), None);
    for number in 0..100 {
        assert_eq!(Deep::from_number(number), None, "{number}");
    }
}

#[test]
fn selection_wants_the_marker_exactly_once() {
    let mut wasm = [b"\0asm", MARKER, b"\0...."].concat();
    assert!(select(&mut wasm, 7));
    assert_eq!(wasm, [b"\0asm", MARKER, b"\x07...."].concat());
    assert!(!select(&mut b"\0asm".to_vec(), 7));
    assert!(!select(&mut MARKER.to_vec(), 7));
    let mut twice = [MARKER, MARKER, b"\0"].concat();
    assert!(!select(&mut twice, 7));
}
