//! What follows from the figures of a case, a sentence each.

use super::{CountedBy, Why, WhyDecision};
use crate::words::counted;

/// The sentences below a table, and on a page.
pub fn lines(why: &Why<'_>) -> Vec<String> {
    let mut lines = vec![chance(why), schedules(why)];
    if why.is_in_liveness {
        lines.push(
            "the failure comes in the liveness phase: once faults have stopped it is certain"
                .to_owned(),
        );
    } else if why.is_at_end {
        lines.push(
            "the failure shows when the run ends: after the last turn chance may still go on"
                .to_owned(),
        );
    }
    if let Some(taken) = why.all_fail_from {
        let all = why.continuations;
        lines.push(format!("all {all} fail {}", from(why, taken)));
    }
    if let Some(taken) = why.certain_from {
        lines.push(format!(
            "certain {}: every schedule fails",
            from(why, taken)
        ));
    }
    lines.extend(largest_step(why));
    lines.push(needed(why));
    lines.push(closest(why));
    lines
}

fn chance(why: &Why<'_>) -> String {
    format!(
        "after each turn chance takes over: {} from seed {}, sampled; 95 % is the interval, in \
         percent",
        counted(why.continuations, "continuation"),
        why.seed
    )
}

fn schedules(why: &Why<'_>) -> String {
    match (&why.counted, &why.uncounted) {
        (Some(by), _) => format!(
            "schedules are exact: all that go on are counted, in {}, with at most the faults of \
             the case ({})",
            counted(by.states, "state"),
            faults(by)
        ),
        (None, because) => format!(
            "schedules are not counted, the figures are sampled only: {}",
            because.as_deref().unwrap_or_default()
        ),
    }
}

fn faults(by: &CountedBy) -> String {
    let some = |count: u8, one: &str, more: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {more}")),
    };
    let faults = [
        some(by.duplicates, "duplicate", "duplicates"),
        some(by.drops, "drop", "drops"),
        some(by.spurious, "spurious event", "spurious events"),
        some(by.crashes, "crash", "crashes"),
    ];
    let faults: Vec<String> = faults.into_iter().flatten().collect();
    match faults.is_empty() {
        true => "none".to_owned(),
        false => faults.join(", "),
    }
}

/// From which turn on, by how many decisions were taken.
fn from(why: &Why<'_>, taken: usize) -> String {
    match taken
        .checked_sub(1)
        .and_then(|turn| why.decisions.get(turn))
    {
        None => "from the start on".to_owned(),
        Some(it) => format!("from turn {} on ({})", it.turn, it.decision),
    }
}

fn largest_step(why: &Why<'_>) -> Option<String> {
    let turn = why.largest_step?;
    let [before, after] = [why.after.get(turn)?, why.after.get(turn + 1)?];
    let decision = &why.decisions.get(turn)?.decision;
    Some(format!(
        "the largest step is turn {turn} ({decision}): from {} to {}",
        before.failing, after.failing
    ))
}

/// Which decisions the failure needs, and which it does not.
fn needed(why: &Why<'_>) -> String {
    let decisions = why.decisions.iter();
    let (free, needed): (Vec<_>, Vec<_>) = decisions.partition(|it| it.can_be_changed());
    let turns = |of: &[&WhyDecision]| turns(&of.iter().map(|it| it.turn).collect::<Vec<_>>());
    match (&needed[..], &free[..]) {
        (_, []) => "every decision matters: none can be left out or replaced by itself".to_owned(),
        ([], _) => "no decision matters by itself: each can be left out or replaced".to_owned(),
        (needed, free) => format!(
            "what matters: turns {}; one of the others can be left out or replaced, and it still \
             fails: turns {}",
            turns(needed),
            turns(free)
        ),
    }
}

/// Turns in order; of those that follow one another, the first and the last.
fn turns(turns: &[usize]) -> String {
    let runs = turns.chunk_by(|one, next| one + 1 == *next);
    let texts = runs.map(|run| match run {
        [first, .., last] => format!("{first}–{last}"),
        one => one.iter().map(usize::to_string).collect(),
    });
    texts.collect::<Vec<String>>().join(", ")
}

fn closest(why: &Why<'_>) -> String {
    let Some(closest) = &why.closest else {
        return "no schedule that differs in one decision is known to hold".to_owned();
    };
    let turn = closest.turn;
    let change = match &closest.instead {
        Some(instead) => format!("{instead}, in place of {}", closest.decision),
        None => format!("without {}", closest.decision),
    };
    let skipped = match closest.skipped {
        0 => String::new(),
        skipped => format!(
            "; {} after it not possible any more",
            match skipped {
                1 => "1 decision is".to_owned(),
                _ => format!("{skipped} decisions are"),
            }
        ),
    };
    format!("the closest schedule that holds, at turn {turn}: {change}{skipped}")
}
