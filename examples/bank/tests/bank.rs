//! Steps of an account, on the host.

use bank::{Before, Event, MOST, step};
use sdk::Refusal;
use sdk::testing::{Answer, first};

const OPEN: Event = Event::Open { account: "ann" };

fn deposit(amount: i64, key: &str) -> Event<'_> {
    let account = "ann";
    Event::Deposit {
        account,
        amount,
        key,
    }
}

fn transfer(amount: i64, key: &str) -> Event<'_> {
    let (account, to) = ("ann", "bob");
    Event::Transfer {
        account,
        to,
        amount,
        key,
    }
}

fn credit<'a>(from: &'a str, amount: i64, key: &'a str) -> Event<'a> {
    let account = "ann";
    Event::Credit {
        account,
        from,
        amount,
        key,
    }
}

/// The steps of these events, after one another.
fn after(events: &[Event]) -> Result<Answer, Refusal> {
    let mut answer = first(&events[0]).step(step)?;
    for event in &events[1..] {
        answer = answer.then(event).step(step)?;
    }
    Ok(answer)
}

fn balance(answer: &Answer) -> Result<Option<i64>, Refusal> {
    Ok(answer.state::<Before>()?.map(|account| account.balance))
}

#[test]
fn a_deposit_counts_once() -> Result<(), Refusal> {
    let one = after(&[OPEN, deposit(70, "d1")])?;
    assert_eq!(balance(&one)?, Some(70));
    assert!(
        one.clone()
            .then(&deposit(70, "d1"))
            .step(step)?
            .is_ignored()
    );
    let two = one.then(&deposit(70, "d2")).step(step)?;
    assert_eq!(balance(&two)?, Some(140));
    Ok(())
}

#[test]
fn a_transfer_is_debited_here_and_credited_there() -> Result<(), Refusal> {
    let sent = after(&[OPEN, deposit(70, "d1"), transfer(30, "t1")])?;
    assert_eq!(balance(&sent)?, Some(40));
    let expected = Event::Credit {
        account: "bob",
        from: "ann",
        amount: 30,
        key: "t1",
    };
    assert_eq!(sent.events[0].value(), Ok(expected));
    assert!(sent.then(&transfer(30, "t1")).step(step)?.is_ignored());
    Ok(())
}

#[test]
fn a_transfer_that_was_refused_stays_refused() -> Result<(), Refusal> {
    let refused = after(&[OPEN, deposit(70, "d1"), transfer(71, "t1")])?;
    assert_eq!(balance(&refused)?, Some(70));
    assert!(refused.events.is_empty());
    let more = refused.then(&deposit(1, "d2")).step(step)?;
    assert!(more.then(&transfer(71, "t1")).step(step)?.is_ignored());
    Ok(())
}

#[test]
fn a_credit_counts_once_for_each_sender() -> Result<(), Refusal> {
    let bob = after(&[OPEN, credit("bob", 5, "t1")])?;
    assert!(
        bob.clone()
            .then(&credit("bob", 5, "t1"))
            .step(step)?
            .is_ignored()
    );
    let cid = bob.then(&credit("cid", 5, "t1")).step(step)?;
    let own = cid.then(&deposit(5, "t1")).step(step)?;
    assert_eq!(balance(&own)?, Some(15));
    Ok(())
}

#[test]
fn an_account_keeps_what_came_before_it_was_open() -> Result<(), Refusal> {
    let open = after(&[credit("bob", 5, "t1"), OPEN])?;
    assert_eq!(balance(&open)?, Some(5));
    assert!(open.then(&credit("bob", 5, "t1")).step(step)?.is_ignored());
    Ok(())
}

#[test]
fn what_is_no_amount_or_too_early_is_ignored() -> Result<(), Refusal> {
    assert!(first(&deposit(1, "d1")).step(step)?.is_ignored());
    assert!(first(&transfer(0, "t1")).step(step)?.is_ignored());
    for amount in [MOST + 1, -1] {
        let wrong = deposit(amount, "d1");
        assert!(after(&[OPEN])?.then(&wrong).step(step)?.is_ignored());
    }
    Ok(())
}
