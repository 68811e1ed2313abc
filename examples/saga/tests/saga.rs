//! Steps of an order, on the host.

use saga::{ChargeRequested, Event, MOST_ATTEMPTS, Order, Status, TIMEOUT_NS, step};
use sdk::Refusal;
use sdk::sys::{TimerFired, TimerSet, TimerSetReceipt};
use sdk::testing::{Answer, first, given};

const ID: &str = "order1";
const RESERVED: Event = Event::Reserved { order_id: ID };
const CHARGED: Event = Event::Charged { order_id: ID };
const FAILED: Event = Event::Failed { order_id: ID };

fn order(status: Status) -> Order<'static> {
    Order {
        order_id: ID,
        amount: 250,
        status,
        attempt: 1,
    }
}

fn placed() -> Result<Answer, Refusal> {
    let place = Event::Place {
        order_id: ID,
        amount: 250,
        now_ns: 7,
    };
    first(&place).step(step)
}

fn timeout() -> Event<'static> {
    let (deliver_at_ns, key) = (TIMEOUT_NS, Some(ID));
    Event::Timer(TimerFired {
        intent_hash: "",
        reducer: "saga/Order@1",
        effect_kind: sdk::sys::TIMER_SET,
        adapter_id: "",
        status: "ok",
        requested: TimerSet { deliver_at_ns, key },
        receipt: TimerSetReceipt {
            delivered_at_ns: deliver_at_ns,
            key,
        },
        cost_cents: None,
        signature: &[],
    })
}

fn status(answer: &Answer) -> Result<Option<Status>, Refusal> {
    Ok(answer.state::<Order>()?.map(|order| order.status))
}

#[test]
fn an_order_begins_with_a_reservation_and_a_timeout() -> Result<(), Refusal> {
    let placed = placed()?;
    assert_eq!(placed.state()?, Some(order(Status::Reserving)));
    assert_eq!(placed.events[0].schema, "saga/ReserveRequested@1");
    let timeout = TimerSet {
        deliver_at_ns: 7 + TIMEOUT_NS,
        key: Some(ID),
    };
    assert_eq!(placed.effects[0].params(), Ok(timeout));
    Ok(())
}

#[test]
fn an_order_is_charged_and_shipped() -> Result<(), Refusal> {
    let charging = placed()?.then(&RESERVED).step(step)?;
    let request = ChargeRequested {
        order_id: ID,
        amount: "250",
        key: "charge 1 of order1",
    };
    assert_eq!(charging.events[0].value(), Ok(request));
    let shipping = charging.then(&CHARGED).step(step)?;
    assert_eq!(shipping.events[0].schema, "saga/ShipRequested@1");
    let shipped = shipping.then(&Event::Shipped { order_id: ID }).step(step)?;
    assert_eq!(status(&shipped)?, Some(Status::Shipped));
    assert!(shipped.then(&timeout()).step(step)?.is_ignored());
    Ok(())
}

#[test]
fn a_second_attempt_is_the_same_charge() -> Result<(), Refusal> {
    let charging = placed()?.then(&RESERVED).step(step)?;
    let again = charging.clone().then(&FAILED).step(step)?;
    assert_eq!(again.events, charging.events);
    Ok(())
}

#[test]
fn an_order_gives_up_before_it_is_paid_and_never_after() -> Result<(), Refusal> {
    for (at, last) in [
        (Status::Reserving, Status::Cancelling),
        (Status::Charging, Status::Cancelling),
        (Status::Shipping, Status::Shipping),
    ] {
        let mut answer = given(&order(at), &FAILED).step(step)?;
        for _ in 1..MOST_ATTEMPTS {
            assert_eq!(status(&answer)?, Some(at));
            answer = answer.then(&FAILED).step(step)?;
        }
        assert_eq!(status(&answer)?, Some(last));
    }
    Ok(())
}

#[test]
fn what_goes_wrong_is_undone() -> Result<(), Refusal> {
    for (at, event) in [
        (Status::Reserving, Event::SoldOut { order_id: ID }),
        (Status::Reserving, timeout()),
        (Status::Charging, Event::Declined { order_id: ID }),
        (Status::Charging, timeout()),
    ] {
        let cancelling = given(&order(at), &event).step(step)?;
        assert_eq!(cancelling.state()?, Some(order(Status::Cancelling)));
        assert_eq!(cancelling.events[0].schema, "saga/CancelRequested@1");
        assert!(cancelling.then(&CHARGED).step(step)?.is_ignored());
    }
    Ok(())
}
