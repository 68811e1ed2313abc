//! Money that is under way arrives once: each credit is one that some account sent, with the same
//! amount, and in the end all of them have arrived.
//!
//! The state is the list of transfers that were debited and not yet credited.

#![cfg_attr(target_arch = "wasm32", no_std)]

use sdk::monitor::{self, Moment, Step};
use sdk::{Input, Items, List, Output, Refusal};

sdk::export!(step);

/// So many transfers may be under way at once.
const MOST: usize = 64;

sdk::variant! {
    /// `bank/Event@1`.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub enum Event<'a> {
        Open { account: &'a str } = "open",
        Deposit { account: &'a str, amount: i64, key: &'a str } = "deposit",
        Transfer { account: &'a str, to: &'a str, amount: i64, key: &'a str } = "transfer",
        Credit { account: &'a str, from: &'a str, amount: i64, key: &'a str } = "credit",
    }
}

sdk::record! {
    /// Money under way.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Transfer<'a> {
        pub from: &'a str,
        pub to: &'a str,
        pub amount: i64,
        pub key: &'a str,
    }
}

/// The transfers under way, oldest first.
struct UnderWay<'a> {
    transfers: [Option<Transfer<'a>>; MOST],
    count: usize,
}

impl<'a> UnderWay<'a> {
    /// Puts one at the end, if there is room.
    fn add(&mut self, transfer: Transfer<'a>) -> Result<(), Refusal> {
        let room = self.transfers.get_mut(self.count);
        *room.ok_or_else(|| Refusal::because("too many transfers under way"))? = Some(transfer);
        self.count += 1;
        Ok(())
    }

    /// Takes one out, wherever it is; its place.
    fn take(&mut self, transfer: Transfer<'a>) -> Option<usize> {
        let mut all = self.transfers.iter();
        let place = all.position(|it| *it == Some(transfer))?;
        self.transfers[place..self.count].rotate_left(1);
        self.count -= 1;
        self.transfers[self.count] = None;
        Some(place)
    }
}

/// One step of the monitor: a turn of the bank goes in, and what is wrong comes out.
pub fn step(input: &Input, output: &mut Output) -> Result<(), Refusal> {
    let before: List<Transfer> = input.state()?.unwrap_or_default();
    let mut under_way = UnderWay {
        transfers: [None; MOST],
        count: 0,
    };
    for transfer in before.iter() {
        under_way.add(transfer)?;
    }
    match input.event()? {
        Moment::Turn(turn) => {
            for step in turn.steps.iter() {
                on_step(&mut under_way, &step, output)?;
            }
            let left = under_way.transfers.iter().flatten();
            output.state(&Items(left));
        }
        Moment::Rest(_) => match under_way.transfers[0] {
            Some(Transfer { from, to, key, .. }) => monitor::violated(
                output,
                "all money arrives",
                &format_args!("{key} from {from} to {to} is still under way"),
            ),
            None => monitor::holds(output),
        },
    }
    Ok(())
}

fn on_step<'a>(
    under_way: &mut UnderWay<'a>,
    step: &Step<'a>,
    output: &mut Output,
) -> Result<(), Refusal> {
    if let Event::Credit {
        account: to,
        from,
        amount,
        key,
    } = step.event.read()?
        && step.before != step.after
    {
        let credit = Transfer {
            from,
            to,
            amount,
            key,
        };
        match under_way.take(credit) {
            Some(0) => monitor::holds(output),
            Some(_) => {
                monitor::reached(output, "overtaken");
                monitor::holds(output);
            }
            None => monitor::violated(
                output,
                "a credit is of money that is under way",
                &format_args!("{key} from {from} is not, or not any more"),
            ),
        }
    }
    for event in step.emitted.iter() {
        if let Event::Credit {
            account: to,
            from,
            amount,
            key,
        } = event.value.read()?
        {
            under_way.add(Transfer {
                from,
                to,
                amount,
                key,
            })?;
        }
    }
    Ok(())
}
