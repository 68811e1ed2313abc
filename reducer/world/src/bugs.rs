//! The planted bugs: which properties are about each, and the small world in which it shows.

use std::sync::LazyLock;

use sim_model::{PlantedBug, Shape};

use crate::planted_wasm;

/// Every planted bug, in the order of the crate `planted`.
pub fn bugs() -> &'static [PlantedBug] {
    static ALL: LazyLock<Vec<PlantedBug>> = LazyLock::new(|| {
        let planted = planted::BUGS.iter().zip(planted::SAYS);
        let all = planted.zip(&BUGS);
        let all = all.map(|((&(number, name), says), bug)| {
            assert_eq!(name, bug.name, "the tables have one order");
            PlantedBug {
                name,
                says: says.trim(),
                wasm: planted_wasm(number),
                properties: bug.properties,
                shape: bug.shape.map(Small::shape),
                is_deep: bug.is_deep,
            }
        });
        all.collect()
    });
    &ALL
}

/// What is known of a planted bug beside the crate `planted`: see [`PlantedBug`].
struct Bug {
    name: &'static str,
    properties: &'static [&'static str],
    /// None if no small world shows it, for the reason that stands beside it.
    shape: Option<Small>,
    is_deep: bool,
}

/// A small world of the retry machine: see [`Shape`].
#[derive(Clone, Copy)]
struct Small {
    requests: u32,
    max_attempts: u64,
    base_delay_ms: u64,
    spurious: u8,
    is_varied: bool,
}

impl Small {
    fn shape(self) -> Shape {
        Shape {
            small: retry_model::small(self.requests, self.max_attempts, self.base_delay_ms),
            duplicates: 1,
            spurious: self.spurious,
            depth: 12,
            is_varied: self.is_varied,
        }
    }
}

const SHAPE: Small = Small {
    requests: 1,
    max_attempts: 2,
    base_delay_ms: 10,
    spurious: 1,
    is_varied: false,
};
/// No spurious event: what is found comes about by itself.
const NATURAL: Small = Small {
    spurious: 0,
    ..SHAPE
};
const ONE_ATTEMPT: Small = Small {
    max_attempts: 1,
    ..SHAPE
};
const TWO_REQUESTS: Small = Small {
    requests: 2,
    ..SHAPE
};
const THREE_ATTEMPTS: Small = Small {
    max_attempts: 3,
    ..SHAPE
};
const LARGE_DELAY: Small = Small {
    base_delay_ms: u64::MAX,
    ..SHAPE
};

const fn bug(name: &'static str, properties: &'static [&'static str], shape: Small) -> Bug {
    Bug {
        name,
        properties,
        shape: Some(shape),
        is_deep: false,
    }
}

/// Found where something is varied: the whole tour is taken.
const fn varied(name: &'static str, properties: &'static [&'static str], shape: Small) -> Bug {
    let shape = Small {
        is_varied: true,
        ..shape
    };
    bug(name, properties, shape)
}

/// Found in the scene that goes deep.
const fn deep(name: &'static str, properties: &'static [&'static str]) -> Bug {
    Bug {
        is_deep: true,
        ..varied(name, properties, SHAPE)
    }
}

const fn unexplored(name: &'static str, properties: &'static [&'static str]) -> Bug {
    Bug {
        name,
        properties,
        shape: None,
        is_deep: false,
    }
}

/// In the order of `planted::BUGS`.
const BUGS: [Bug; 50] = [
    bug(
        "attempt-limit-off-by-one",
        &["attempts_bounded"],
        ONE_ATTEMPT,
    ),
    bug("exponent-off-by-one", &["backoff_exact"], SHAPE),
    bug("ok-after-failed", &["terminal_absorbing"], SHAPE),
    bug(
        "err-counted-in-backoff",
        &["stale_ignored", "one_timer", "backoff_exact"],
        SHAPE,
    ),
    bug(
        "any-timer-accepted",
        &["stale_ignored", "retry_waits"],
        SHAPE,
    ),
    bug(
        "ok-of-another-request",
        &["outcome_justified", "stale_ignored"],
        SHAPE,
    ),
    bug("backoff-wraps", &["backoff_exact"], LARGE_DELAY),
    bug(
        "second-start-resets",
        &["stale_ignored", "attempts_bounded", "retry_waits"],
        SHAPE,
    ),
    bug("timer-without-key", &["one_timer"], SHAPE),
    bug(
        "restart-after-done",
        &["terminal_absorbing", "attempts_bounded"],
        SHAPE,
    ),
    bug("payload-lost-on-retry", &["intent_faithful"], SHAPE),
    bug("attempt-counted-at-err", &["attempts_bounded"], SHAPE),
    bug(
        "state-grows",
        &["intent_faithful", "terminal_absorbing", "stale_ignored"],
        SHAPE,
    ),
    bug("trap-in-backoff-stale", &["bounded"], NATURAL),
    bug(
        "nat-truncated-to-32-bits",
        &["intent_faithful"],
        LARGE_DELAY,
    ),
    bug("two-timers", &["conforms"], SHAPE),
    bug("wrong-req-id-in-intent", &["intent_faithful"], SHAPE),
    bug("loops-for-ever-on-terminal-err", &["bounded"], SHAPE),
    bug("memory-hog", &["bounded"], SHAPE),
    bug("timer-status-error-ignored", &["retry_waits"], SHAPE),
    // It shows by the number of steps that an instance has taken, not by the schedule.
    unexplored("hidden-state", &["pure", "replays"]),
    // The explorer remembers steps instead of taking them: memory has no time to run out.
    unexplored("leaks", &["bounded"]),
    bug(
        "timer-accepted-when-working",
        &["retry_waits", "stale_ignored", "attempts_bounded"],
        SHAPE,
    ),
    bug("undeclared-effect-kind", &["conforms"], SHAPE),
    bug(
        "empty-req-id-matches-any",
        &["outcome_justified", "stale_ignored"],
        SHAPE,
    ),
    bug("terminal-err-ignored", &["contract_kept"], SHAPE),
    bug("ok-ignored-after-retry", &["contract_kept"], SHAPE),
    bug(
        "timer-timeout-ignored-at-last-wait",
        &["retry_waits"],
        SHAPE,
    ),
    bug(
        "start-accepted-in-backoff",
        &[
            "stale_ignored",
            "attempts_bounded",
            "retry_waits",
            "intent_faithful",
        ],
        TWO_REQUESTS,
    ),
    // The explorer sees at once that it is not pure, and takes each step on a fresh instance: what
    // else it violates needs two starts on one.
    unexplored(
        "hidden-start",
        &["pure", "replays", "outcome_justified", "retry_waits"],
    ),
    bug("terminal-err-retried", &["contract_kept"], SHAPE),
    bug(
        "ok-refused-in-later-wait",
        &["contract_kept"],
        THREE_ATTEMPTS,
    ),
    bug(
        "start-after-failed-dropped",
        &["contract_kept"],
        TWO_REQUESTS,
    ),
    bug("timer-after-the-end", &["attempts_bounded"], ONE_ATTEMPT),
    bug(
        "work-after-the-end",
        &["contract_kept", "attempts_bounded", "retry_waits"],
        SHAPE,
    ),
    varied("start-without-payload-dropped", &["contract_kept"], SHAPE),
    varied("start-above-i64-dropped", &["contract_kept"], SHAPE),
    deep("shift-wraps-at-32", &["backoff_exact"]),
    deep("shift-wraps-at-64", &["backoff_exact"]),
    deep("trap-at-attempt-28", &["bounded"]),
    varied("ids-without-case", &OF_IDS, TWO_REQUESTS),
    // No small world has ids of this kind.
    unexplored("ids-by-prefix", &OF_IDS),
    varied("ids-trimmed", &OF_IDS, TWO_REQUESTS),
    unexplored("ids-in-one-form", &OF_IDS),
    unexplored("ids-cut-to-64-bytes", &OF_IDS),
    unexplored("ids-by-hash", &OF_IDS),
    unexplored("ids-as-numbers", &OF_IDS),
    unexplored("ids-up-to-nul", &OF_IDS),
    // Nor payloads of that length.
    unexplored("payload-cut-on-retry", &["intent_faithful"]),
    varied(
        "next-request-keeps-the-delay",
        &["intent_faithful", "backoff_exact"],
        TWO_REQUESTS,
    ),
];

/// What may find ids that are taken for one another.
const OF_IDS: [&str; 4] = [
    "contract_kept",
    "outcome_justified",
    "stale_ignored",
    "attempts_bounded",
];
