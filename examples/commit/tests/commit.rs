//! Steps of both reducers, on the host.

use commit::coordinator::{self, Begin, WAIT_NS};
use commit::participant::{self, Worked};
use commit::{Decided, Prepare, Voted, step};
use sdk::Refusal;
use sdk::testing::{Answer, Given, first};

fn begun() -> Result<Answer, Refusal> {
    let begin = Begin {
        tx: "t",
        debit: "d",
        credit: "c",
        now_ns: 0,
    };
    coordinator(first(&coordinator::Event::Begin(begin)))
}

fn coordinator(given: Given) -> Result<Answer, Refusal> {
    given.schema(coordinator::EVENT).step(step)
}

fn participant(given: Given) -> Result<Answer, Refusal> {
    given.schema(participant::EVENT).step(step)
}

fn voted(branch: &str, yes: bool) -> coordinator::Event<'_> {
    coordinator::Event::Voted(Voted {
        tx: "t",
        branch,
        yes,
    })
}

fn prepare() -> participant::Event<'static> {
    participant::Event::Prepare(Prepare {
        tx: "t",
        branch: "d",
        until_ns: WAIT_NS,
    })
}

fn decided(commit: bool) -> participant::Event<'static> {
    participant::Event::Decided(Decided {
        tx: "t",
        branch: "d",
        commit,
    })
}

#[test]
fn both_branches_are_asked() -> Result<(), Refusal> {
    let begun = begun()?;
    assert_eq!(begun.events.len(), 2);
    assert_eq!(begun.events[0].schema, participant::EVENT);
    assert_eq!(begun.events[0].value(), Ok(prepare()));
    assert_eq!(begun.effects.len(), 1);
    Ok(())
}

#[test]
fn two_votes_commit() -> Result<(), Refusal> {
    let one = coordinator(begun()?.then(&voted("d", true)))?;
    assert_eq!(one.events.len(), 0);
    let both = coordinator(one.then(&voted("c", true)))?;
    assert_eq!(both.events[0].value(), Ok(decided(true)));
    Ok(())
}

#[test]
fn one_vote_aborts() -> Result<(), Refusal> {
    let aborted = coordinator(begun()?.then(&voted("c", false)))?;
    assert_eq!(aborted.events[0].value(), Ok(decided(false)));
    let late = coordinator(aborted.then(&voted("d", true)))?;
    assert!(late.is_ignored());
    Ok(())
}

#[test]
fn an_abort_comes_before_what_it_aborts() -> Result<(), Refusal> {
    let aborted = participant(first(&decided(false)))?;
    let asked = participant(aborted.then(&prepare()))?;
    assert!(asked.is_ignored());
    Ok(())
}

#[test]
fn a_branch_that_did_its_work_waits() -> Result<(), Refusal> {
    let worked = Worked {
        tx: "t",
        branch: "d",
        ok: true,
    };
    let asked = participant(first(&prepare()))?;
    let prepared = participant(asked.then(&participant::Event::Worked(worked)))?;
    assert_eq!(prepared.events[0].value(), Ok(voted("d", true)));
    let done = participant(prepared.then(&decided(true)))?;
    let state: participant::State = done.state()?.expect("there is one");
    assert_eq!(state.pc, participant::Pc::Committed);
    Ok(())
}

#[test]
fn an_event_of_another_schema_is_refused() {
    let refusal = first(&prepare())
        .step(step)
        .expect_err("the schema is wrong");
    assert_eq!(refusal.to_string(), "the schema is of neither reducer");
}
