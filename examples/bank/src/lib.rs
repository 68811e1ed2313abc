//! An account: it is opened, money is put in, and sent to other accounts.
//!
//! A transfer is debited here, and the event that it emits is credited there. Until that arrives
//! the money is under way. Each movement has a key and counts once, however often it arrives.

#![cfg_attr(target_arch = "wasm32", no_std)]

use sdk::{Input, Items, List, Output, Refusal};

sdk::export!(step);

/// The most that is moved at once; more is ignored.
pub const MOST: i64 = 1_000_000_000;

sdk::variant! {
    /// `bank/Event@1`: what clients ask for, and what comes from another account.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub enum Event<'a> {
        Open { account: &'a str } = "open",
        Deposit { account: &'a str, amount: i64, key: &'a str } = "deposit",
        Transfer { account: &'a str, to: &'a str, amount: i64, key: &'a str } = "transfer",
        Credit { account: &'a str, from: &'a str, amount: i64, key: &'a str } = "credit",
    }
}

sdk::record! {
    /// `bank/Account@1`: what is kept of an account.
    #[derive(Clone, Copy, Default)]
    pub struct Account<L> {
        pub is_open: bool,
        pub balance: i64,
        pub applied: L,
    }
}

sdk::record! {
    /// A movement that has counted: by its key, and the account that a credit is from.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Applied<'a> {
        pub from: Option<&'a str>,
        pub key: &'a str,
    }
}

/// An account as it comes in.
pub type Before<'a> = Account<List<'a, Applied<'a>>>;

/// One step: a pure function of state and event.
pub fn step(input: &Input, output: &mut Output) -> Result<(), Refusal> {
    let account: Before = input.state()?.unwrap_or_default();
    let Account {
        is_open,
        balance,
        applied,
    } = account;
    let event = input.event()?;
    let (from, key, amount) = match event {
        Event::Open { .. } => {
            if !is_open {
                output.state(&opened(account));
            }
            return Ok(());
        }
        Event::Deposit { key, amount, .. } | Event::Transfer { key, amount, .. } if is_open => {
            (None, key, amount)
        }
        Event::Deposit { .. } | Event::Transfer { .. } => return Ok(()),
        // This has left the other account. One that is not open yet keeps it for later.
        Event::Credit {
            from, key, amount, ..
        } => (Some(from), key, amount),
    };
    let movement = Applied { from, key };
    let trusts_credits = cfg!(feature = "credit-twice") && from.is_some();
    let is_known = applied.iter().any(|it| it == movement) && !trusts_credits;
    if is_known || !(0..=MOST).contains(&amount) {
        return Ok(());
    }
    let balance = match event {
        Event::Transfer { account, to, .. } if amount <= balance => {
            let credit = Event::Credit {
                account: to,
                from: account,
                amount,
                key,
            };
            output.event("bank/Event@1", &credit);
            balance - amount
        }
        // There is not enough. The key counts all the same: what was refused stays refused.
        Event::Transfer { .. } => balance,
        _ => balance + amount,
    };
    let applied = Items(applied.iter().chain([movement]));
    output.state(&Account {
        is_open,
        balance,
        applied,
    });
    Ok(())
}

/// The account once it is open. It may hold money already, which came before.
fn opened(account: Before) -> Before {
    let kept = if cfg!(feature = "open-forgets") {
        Before::default()
    } else {
        account
    };
    Account {
        is_open: true,
        ..kept
    }
}
