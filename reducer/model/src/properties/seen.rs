//! What must happen sometimes with the retry machine, or a campaign tested less than it claims.
//!
//! [`LIST`] is the one list. Never judges a step.

use super::{Because, FIRST_SOMETIMES, Move, Past, Request};
use crate::wire::{Event, Pc};
use sim_model::Verdicts;
use sim_model::texts::{LONG_BYTES, Near};
use sim_record::trace::{Choice, CrashPoint, Recovery, Status, Turn};

/// Makes the type and the list of names out of one list.
macro_rules! sometimes {
    ($($variant:ident $name:literal $says:literal;)*) => {
        /// Something that must happen sometimes.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        enum Sometimes {
            $($variant,)*
        }

        /// Every one: its name, and what was seen.
        pub(super) const LIST: [(&str, &str); [$($name),*].len()] = [$(($name, $says)),*];
    };
}

sometimes! {
    DoneFirstTry "done_first_try" "a request was Done at its first attempt";
    DoneAfterRetry "done_after_retry" "a request was Done after a retry";
    DoneInBackoff "done_in_backoff" "an ok arrived during a wait and ended it";
    FailedAtOnce "failed_at_once" "a terminal error ended a request at its first attempt";
    FailedByExhaustion "failed_by_exhaustion"
        "a transient error at the last attempt ended a request";
    FailedWithoutRetry "failed_without_retry"
        "a request with max_attempts 0 or 1 ran out of attempts";
    NextRequest "next_request" "a second request began after the end of the first";
    SecondStartIgnored "second_start_ignored" "a start during a request was ignored";
    RestartIgnored "restart_ignored" "a start of a request that had ended was ignored";
    EndAbsorbs "end_absorbs" "an answer after the end was ignored";
    DuplicateIgnored "duplicate_ignored" "a second copy of an answer was ignored";
    OthersIgnored "stray_ignored" "an event of another request was ignored";
    Reordered "reordered" "a message overtook an older one";
    Redelivered "redelivered" "a dropped message was delivered after all";
    TimerEarly "timer_early" "a timer ended a wait before it was due";
    TimerLate "timer_late" "a timer ended a wait after it was due";
    TimerTwiceIgnored "timer_twice_ignored" "a timer fired a second time and was ignored";
    TimerOutOfOrder "timer_out_of_order" "a timer fired before one that was due earlier";
    TimerErrorAccepted "timer_error_accepted" "a receipt with status error or timeout ended a wait";
    DelaySaturated "delay_saturated" "a timer was set for the end of time";
    CrashRecovered "crash_recovered"
        "a crash at an event that moved a request, recovered from the journal";
    SnapshotRecovered "snapshot_recovered"
        "a crash at an event that moved a request, recovered from a snapshot and the rest";
    CrashCutShort "crash_cut_short" "an event that nothing had seen before a crash moved a request";
    DoneInLiveness "done_by_healing" "a request ended only after faults had stopped";
    AttemptPast32 "attempt_past_32" "a request had more than 32 attempts";
    AttemptPast64 "attempt_past_64" "a request had more than 64 attempts";
    AttemptPast128 "attempt_past_128" "a request had more than 128 attempts";
    AttemptPast256 "attempt_past_256" "a request had more than 256 attempts";
    LongId "long_id" "a request with an id of more than 255 bytes began";
    LongPayload "long_payload" "a request with a payload of more than 4,096 bytes began";
    NearCase "near_case" "an answer of a request whose id differs in case was ignored";
    NearPrefix "near_prefix"
        "an answer of a request whose id begins with this one, or the other way round, was ignored";
    NearSpace "near_space"
        "an answer of a request whose id differs in white space at an end was ignored";
    NearForm "near_form"
        "an answer of a request whose id is the same in another Unicode form was ignored";
    NearNul "near_nul"
        "an answer of a request whose id differs after a NUL was ignored";
    NearNumber "near_number"
        "an answer of a request whose id is the same number was ignored";
    NearHash "near_hash"
        "an answer of a request whose id has the same 32-bit hash was ignored";
    NearLong "near_long"
        "an answer of a request whose long id differs at its end was ignored";
    NearEscape "near_escape"
        "an answer of a request whose id differs in its escapes was ignored";
}

/// Payloads of more bytes are long.
const LONG_PAYLOAD_BYTES: usize = 4_096;

/// One of them is seen.
fn reach(to: &mut Verdicts<'_>, seen: Sometimes) {
    to.reach(FIRST_SOMETIMES + seen as usize);
}

impl Sometimes {
    /// That ids that are nearly equal were kept apart.
    fn of_near(near: Near) -> Sometimes {
        match near {
            Near::Case => Sometimes::NearCase,
            Near::Prefix => Sometimes::NearPrefix,
            Near::Space => Sometimes::NearSpace,
            Near::Form => Sometimes::NearForm,
            Near::Nul => Sometimes::NearNul,
            Near::Number => Sometimes::NearNumber,
            Near::Hash => Sometimes::NearHash,
            Near::Long => Sometimes::NearLong,
            Near::Escape => Sometimes::NearEscape,
        }
    }
}

/// What a decision alone shows, in a world of the retry machine.
pub(super) fn of_turn(to: &mut Verdicts<'_>, turn: &Turn) {
    match turn.choice {
        Choice::Deliver(_) if turn.remark.reordered => reach(to, Sometimes::Reordered),
        Choice::Redeliver(_) => reach(to, Sometimes::Redelivered),
        Choice::Fire { .. } if turn.remark.reordered => reach(to, Sometimes::TimerOutOfOrder),
        _ => {}
    }
}

/// What a step of the machine shows, before the history has recorded it.
pub(super) fn of_move(to: &mut Verdicts<'_>, past: &Past<'_>, turn: &Turn, step: &Move<'_>) {
    let due = &step.due;
    if due.is_nothing() {
        return ignored(to, past, turn, step);
    }
    let Some(request) = &past.request else {
        return;
    };
    crashed(to, turn, step);
    match due.because {
        Because::NothingUnderWay => began(to, request),
        Because::OtherEnded => {
            reach(to, Sometimes::NextRequest);
            began(to, request);
        }
        Because::WorkDone => reach(
            to,
            match (past.phase, request.requested) {
                (Pc::Backoff, _) => Sometimes::DoneInBackoff,
                (_, 1) => Sometimes::DoneFirstTry,
                _ => Sometimes::DoneAfterRetry,
            },
        ),
        Because::Terminal if request.requested == 1 => reach(to, Sometimes::FailedAtOnce),
        Because::LastAttempt => {
            reach(to, Sometimes::FailedByExhaustion);
            if request.max_attempts <= 1 {
                reach(to, Sometimes::FailedWithoutRetry);
            }
        }
        Because::TimerAwaited => timer_accepted(to, turn, due.attempt),
        _ => {}
    }
    if due.phase.is_end() && step.is_liveness() {
        reach(to, Sometimes::DoneInLiveness);
    }
    if step
        .timer
        .is_some_and(|timer| timer.deliver_at_ns == u64::MAX)
    {
        reach(to, Sometimes::DelaySaturated);
    }
}

/// The turn moved a request, perhaps with a crash on the way.
fn crashed(to: &mut Verdicts<'_>, turn: &Turn, step: &Move<'_>) {
    let Choice::Crash {
        point, recovery, ..
    } = &turn.choice
    else {
        return;
    };
    match recovery {
        Recovery::Snapshot if step.has_snapshot() => reach(to, Sometimes::SnapshotRecovered),
        _ => reach(to, Sometimes::CrashRecovered),
    }
    if *point == CrashPoint::AfterAppend {
        reach(to, Sometimes::CrashCutShort);
    }
}

fn began(to: &mut Verdicts<'_>, request: &Request<'_>) {
    if request.req_id.as_bytes().len() > LONG_BYTES {
        reach(to, Sometimes::LongId);
    }
    if request.payload.as_bytes().len() > LONG_PAYLOAD_BYTES {
        reach(to, Sometimes::LongPayload);
    }
}

fn timer_accepted(to: &mut Verdicts<'_>, turn: &Turn, attempt: u64) {
    if attempt > 32 {
        reach(to, Sometimes::AttemptPast32);
    }
    if attempt > 64 {
        reach(to, Sometimes::AttemptPast64);
    }
    if attempt > 128 {
        reach(to, Sometimes::AttemptPast128);
    }
    if attempt > 256 {
        reach(to, Sometimes::AttemptPast256);
    }
    if turn.remark.early {
        reach(to, Sometimes::TimerEarly);
    }
    if turn.remark.late {
        reach(to, Sometimes::TimerLate);
    }
    if matches!(
        turn.choice,
        Choice::Fire {
            status: Status::Error | Status::Timeout,
            ..
        }
    ) {
        reach(to, Sometimes::TimerErrorAccepted);
    }
}

fn ignored(to: &mut Verdicts<'_>, past: &Past<'_>, turn: &Turn, step: &Move<'_>) {
    match &step.event {
        Event::Start(_) if past.phase.is_end() => reach(to, Sometimes::RestartIgnored),
        Event::Start(_) => reach(to, Sometimes::SecondStartIgnored),
        Event::Timer(_) if turn.remark.repeated => reach(to, Sometimes::TimerTwiceIgnored),
        Event::Ok { req_id } | Event::Err { req_id, .. } => {
            match step.due.because {
                Because::AnotherRequest => {
                    reach(to, Sometimes::OthersIgnored);
                    let own = past.request.as_ref().map_or("", |it| it.req_id.as_str());
                    if let Some(near) = Near::of(own, req_id.as_str()) {
                        reach(to, Sometimes::of_near(near));
                    }
                }
                Because::EndedAlready => reach(to, Sometimes::EndAbsorbs),
                _ => {}
            }
            if turn.remark.repeated {
                reach(to, Sometimes::DuplicateIgnored);
            }
        }
        Event::Timer(_) => {}
    }
}
