//! What the values of one run are drawn from: a few ids, numbers and times that come again and
//! again, so that its events are about one another.
//!
//! Made once for the requests of a run; for what comes later it is gathered from these. Knows
//! types, and no world.

use super::constants::Constants;
use super::texts;
use sim_air::{Schemas, Value};
use sim_record::random::{Ratio, Stream};
use sim_record::scenario::Request;

/// One run in so many has ids that are nearly equal.
const NEAR_IDS: Ratio = Ratio::new(1, 8);
/// At most so many texts or numbers are taken over from requests.
const MOST_GATHERED: usize = 16;

/// The values that a run uses again and again.
#[derive(Clone, Debug)]
pub struct Pool<'a> {
    pub constants: &'a Constants,
    pub texts: Vec<String>,
    pub numbers: Vec<u64>,
    /// It is that of a small world: nothing is used but what is in it and the constants.
    pub is_small: bool,
    /// Names of fields that say which cell an event is for: only the pool is used for these.
    pub keys: &'a [String],
}

const NUMBERS: [u64; 8] = [0, 1, 2, 3, 5, 10, 100, 1_000];

impl<'a> Pool<'a> {
    pub fn draw(constants: &'a Constants, keys: &'a [String], stream: &mut Stream) -> Pool<'a> {
        let texts = match stream.chance(NEAR_IDS) {
            true => texts::family(stream).to_vec(),
            false => {
                let count = 1 + stream.below(3);
                (1..=count).map(|number| format!("r{number}")).collect()
            }
        };
        let count = 2 + stream.below(3);
        let numbers = (0..count).map(|_| *stream.pick(&NUMBERS).unwrap_or(&1));
        Pool {
            constants,
            texts,
            numbers: numbers.collect(),
            is_small: false,
            keys,
        }
    }

    /// The pool that the requests of a run were drawn from, as far as they show it.
    pub fn gather(
        constants: &'a Constants,
        keys: &'a [String],
        schemas: &Schemas,
        requests: &[Request],
    ) -> Pool<'a> {
        let mut pool = Pool {
            constants,
            texts: Vec::new(),
            numbers: Vec::new(),
            is_small: false,
            keys,
        };
        for request in requests {
            if let Ok(value) = schemas.decode(request.schema, &request.value) {
                pool.add(&value);
            }
        }
        if pool.texts.is_empty() {
            pool.texts.push("r1".to_owned());
        }
        if pool.numbers.is_empty() {
            pool.numbers.push(1);
        }
        pool
    }

    fn add(&mut self, value: &Value) {
        match value {
            Value::Text(text) => add(&mut self.texts, text.clone()),
            Value::Nat(number) => add(&mut self.numbers, *number),
            Value::Int(number) => {
                if let Ok(number) = u64::try_from(*number) {
                    add(&mut self.numbers, number);
                }
            }
            Value::List(items) => items.iter().for_each(|item| self.add(item)),
            Value::Map(entries) => entries.iter().for_each(|(_, value)| self.add(value)),
            Value::Variant { value, .. } => self.add(value),
            Value::Null | Value::Bool(_) | Value::Bytes(_) => {}
        }
    }
}

fn add<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if list.len() < MOST_GATHERED && !list.contains(&item) {
        list.push(item);
    }
}
