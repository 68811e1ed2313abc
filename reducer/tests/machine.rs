//! The transition table and the edges of the backoff formula, on the pure machine.

use retry_sm::machine::{
    Event, Phase, Reaction, Request, Start, State, Timer, TimerSet, WorkRequested, react,
};
use sdk::text::Text;

const PHASES: [Phase; 5] = [
    Phase::Idle,
    Phase::Working,
    Phase::Backoff,
    Phase::Done,
    Phase::Failed,
];

fn state(phase: Phase) -> State<'static> {
    State {
        phase,
        attempt: 2,
        max_attempts: 3,
        base_delay_ms: 10,
        anchor_ns: 1_000_000,
        payload: Text::new("do_work"),
        req_id: Text::new("r1"),
    }
}

fn start(req_id: &str) -> Event<'_> {
    Event::Start(Start {
        req_id: Text::new(req_id),
        payload: Text::new("other_work"),
        max_attempts: 5,
        base_delay_ms: 7,
        now_ns: 9,
    })
}

fn started(req_id: &str) -> Reaction<'_> {
    let state = State {
        phase: Phase::Working,
        attempt: 1,
        max_attempts: 5,
        base_delay_ms: 7,
        anchor_ns: 9,
        payload: Text::new("other_work"),
        req_id: Text::new(req_id),
    };
    let work = WorkRequested {
        req_id: Text::new(req_id),
        payload: Text::new("other_work"),
    };
    Reaction::Moved(state, Some(Request::Work(work)))
}

fn err(req_id: &str, transient: bool) -> Event<'_> {
    Event::Err {
        req_id: Text::new(req_id),
        transient,
    }
}

fn ok(req_id: &str) -> Event<'_> {
    Event::Ok {
        req_id: Text::new(req_id),
    }
}

fn timer(deliver_at_ns: u64, key: Option<&'static str>, status: &'static str) -> Event<'static> {
    Event::Timer(Timer {
        requested: TimerSet {
            deliver_at_ns,
            key: key.map(Text::new),
        },
        status: Text::new(status),
    })
}

fn ended(phase: Phase) -> Reaction<'static> {
    Reaction::Moved(state(phase), None)
}

/// What `event` does in each phase, where `moves` says so; elsewhere it must be ignored.
fn check(event: Event<'_>, moves: &[(Phase, Reaction<'_>)]) {
    for phase in PHASES {
        let moved = moves
            .iter()
            .find(|(from, _)| *from == phase)
            .map(|(_, reaction)| *reaction);
        let expected = moved.unwrap_or(Reaction::Ignored);
        assert_eq!(
            react(Some(&state(phase)), &event),
            expected,
            "{event:?} in {phase:?}"
        );
    }
}

#[test]
fn without_a_state_only_start_counts() {
    assert_eq!(react(None, &start("r1")), started("r1"));
    assert_eq!(react(None, &start("")), started(""));
    for event in [
        ok("r1"),
        ok(""),
        err("r1", true),
        err("", false),
        timer(0, None, "ok"),
    ] {
        assert_eq!(react(None, &event), Reaction::Ignored, "{event:?}");
    }
}

#[test]
fn start_counts_when_idle_or_for_another_request_when_ended() {
    check(start("r1"), &[(Phase::Idle, started("r1"))]);
    let moves = [Phase::Idle, Phase::Done, Phase::Failed].map(|phase| (phase, started("r2")));
    check(start("r2"), &moves);
    check(
        start(""),
        &[Phase::Idle, Phase::Done, Phase::Failed].map(|phase| (phase, started(""))),
    );
}

#[test]
fn ok_ends_the_current_request_in_working_and_backoff() {
    let done = ended(Phase::Done);
    check(ok("r1"), &[(Phase::Working, done), (Phase::Backoff, done)]);
    check(ok("r2"), &[]);
    check(ok(""), &[]);
}

#[test]
fn err_counts_only_in_working() {
    check(err("r1", false), &[(Phase::Working, ended(Phase::Failed))]);
    let requested = TimerSet {
        deliver_at_ns: 21_000_000,
        key: Some(Text::new("r1")),
    };
    let waiting = Reaction::Moved(state(Phase::Backoff), Some(Request::Timer(requested)));
    check(err("r1", true), &[(Phase::Working, waiting)]);
    check(err("r2", true), &[]);
    check(err("r2", false), &[]);
}

#[test]
fn a_transient_err_at_the_limit_fails() {
    for (attempt, max_attempts) in [(3, 3), (1, 1), (1, 0), (4, 3), (u64::MAX, u64::MAX)] {
        let working = State {
            attempt,
            max_attempts,
            ..state(Phase::Working)
        };
        let failed = State {
            phase: Phase::Failed,
            ..working
        };
        assert_eq!(
            react(Some(&working), &err("r1", true)),
            Reaction::Moved(failed, None)
        );
    }
}

#[test]
fn only_the_awaited_timer_counts_and_only_in_backoff() {
    let working = State {
        attempt: 3,
        ..state(Phase::Working)
    };
    let work = WorkRequested {
        req_id: Text::new("r1"),
        payload: Text::new("do_work"),
    };
    let again = Reaction::Moved(working, Some(Request::Work(work)));
    for status in ["ok", "error", "timeout"] {
        check(
            timer(21_000_000, Some("r1"), status),
            &[(Phase::Backoff, again)],
        );
    }
    check(timer(20_999_999, Some("r1"), "ok"), &[]);
    check(timer(11_000_000, Some("r1"), "ok"), &[]);
    check(timer(21_000_000, Some("r2"), "ok"), &[]);
    check(timer(21_000_000, None, "ok"), &[]);
}

#[test]
fn an_empty_req_id_is_like_any_other() {
    let backoff = State {
        req_id: Text::new(""),
        ..state(Phase::Backoff)
    };
    let fired = timer(21_000_000, Some(""), "ok");
    assert!(matches!(react(Some(&backoff), &fired), Reaction::Moved(..)));
    let keyless = timer(21_000_000, None, "ok");
    assert_eq!(react(Some(&backoff), &keyless), Reaction::Ignored);
    let done = State {
        phase: Phase::Done,
        ..backoff
    };
    assert_eq!(react(Some(&backoff), &ok("")), Reaction::Moved(done, None));
    assert_eq!(react(Some(&done), &start("")), Reaction::Ignored);
}

#[test]
fn the_attempt_saturates() {
    let backoff = State {
        attempt: u64::MAX,
        ..state(Phase::Backoff)
    };
    let fired = timer(u64::MAX, Some("r1"), "ok");
    let Reaction::Moved(next, _) = react(Some(&backoff), &fired) else {
        panic!("ignored")
    };
    assert_eq!(next.attempt, u64::MAX);
}

#[test]
fn the_formula_saturates_at_every_step() {
    const MAX: u64 = u64::MAX;
    let cases = [
        // attempt, base_delay_ms, anchor_ns, deliver_at_ns
        (1, 10, 1_000_000, 11_000_000),
        (2, 10, 1_000_000, 21_000_000),
        (3, 10, 1_000_000, 41_000_000),
        // An attempt of 0 is in no reachable state; it waits as the first.
        (0, 10, 1_000_000, 11_000_000),
        (44, 1, 0, 8_796_093_022_208_000_000),
        (45, 1, 0, 17_592_186_044_416_000_000),
        (46, 1, 0, MAX),
        (64, 1, 0, MAX),
        (65, 1, 0, MAX),
        (66, 1, 5, MAX),
        (MAX, 1, 0, MAX),
        (1, 0, 7, 7),
        (64, 0, 7, 7),
        (65, 0, 7, 7),
        (MAX, 0, MAX, MAX),
        (1, MAX, 0, MAX),
        (1, MAX / 1_000_000, 0, MAX / 1_000_000 * 1_000_000),
        (1, MAX / 1_000_000 + 1, 0, MAX),
        (1, 1, MAX, MAX),
        (1, 1, MAX - 1_000_000, MAX),
        (1, 1, MAX - 1_000_001, MAX - 1),
    ];
    for (attempt, base_delay_ms, anchor_ns, expected) in cases {
        let state = State {
            attempt,
            base_delay_ms,
            anchor_ns,
            ..state(Phase::Backoff)
        };
        assert_eq!(
            state.deliver_at_ns(),
            expected,
            "attempt {attempt}, base {base_delay_ms} ms"
        );
    }
}
