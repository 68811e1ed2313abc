//! Steps of the counter, on the host.

use counter::{Event, LIMIT, LimitReached, State, step};
use sdk::Refusal;
use sdk::testing::{first, given};

#[test]
fn the_limit_is_told_once() -> Result<(), Refusal> {
    let full = first(&Event::Increment { by: u64::MAX }).step(step)?;
    assert_eq!(full.state()?, Some(State { total: LIMIT }));
    assert_eq!(full.events[0].schema, "counter/LimitReached@1");
    assert_eq!(full.events[0].value(), Ok(LimitReached { limit: LIMIT }));
    let more = full.then(&Event::Increment { by: 1 }).step(step)?;
    assert!(more.is_ignored());
    Ok(())
}

#[test]
fn a_reset_begins_anew() -> Result<(), Refusal> {
    let empty = given(&State { total: 7 }, &Event::Reset {}).step(step)?;
    assert_eq!(empty.state()?, Some(State { total: 0 }));
    Ok(())
}

#[test]
fn a_refusal_says_why() {
    let refusal = first(&7_u64).step(step).expect_err("that is no event");
    assert_eq!(
        refusal.to_string(),
        "event: expected a record, found a number"
    );
}
