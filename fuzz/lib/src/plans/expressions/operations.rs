//! Operations that give a type, as the builder makes them.

use serde_json::{Value as Json, json};

use super::{Builder, Known};
use crate::plans::dice::Dice;
use crate::plans::draw::FIELDS;
use crate::plans::types::Ty;

const ARITHMETIC: [&str; 5] = ["add", "sub", "mul", "div", "mod"];

pub fn list_of(ty: Ty) -> Ty {
    Ty::List(Box::new(ty))
}

fn set_of(ty: Ty) -> Ty {
    Ty::Set(Box::new(ty))
}

pub fn map_of(ty: Ty) -> Ty {
    Ty::Map(Box::new(Ty::Text), Box::new(ty))
}

impl Builder<'_> {
    /// An operation that gives the type, if there is one beside `get`.
    pub(super) fn operation(&mut self, dice: &mut Dice<'_>, ty: &Ty, depth: usize) -> Option<Json> {
        let list = |types: &[Ty], dice: &mut Dice<'_>| types[dice.of(types.len())].clone();
        let (op, args) = match ty {
            Ty::Bool => return Some(self.condition(dice, depth)),
            Ty::Nat | Ty::Time if dice.one_in(4) => {
                let of = list(
                    &[Ty::Text, Ty::Bytes, list_of(Ty::Nat), map_of(Ty::Nat)],
                    dice,
                );
                ("len", vec![of])
            }
            Ty::Nat | Ty::Time => (ARITHMETIC[dice.of(5)], vec![ty.clone(), Ty::Nat]),
            Ty::Int | Ty::Duration => {
                let args = [(Ty::Int, Ty::Int), (Ty::Nat, Ty::Int), (Ty::Int, Ty::Time)];
                let (left, right) = args[dice.of(3)].clone();
                (ARITHMETIC[dice.of(5)], vec![left, right])
            }
            Ty::Text | Ty::Bytes | Ty::List(_) => {
                let count = 1 + dice.of(3);
                ("concat", vec![ty.clone(); count])
            }
            Ty::Hash if dice.of(2) == 0 => ("hash", vec![self.some_type(dice)]),
            Ty::Hash => ("hash_bytes", vec![Ty::Bytes]),
            _ => return None,
        };
        Some(self.call(dice, op, &args, depth))
    }

    pub(super) fn call(
        &mut self,
        dice: &mut Dice<'_>,
        op: &str,
        args: &[Ty],
        depth: usize,
    ) -> Json {
        let args: Vec<Json> = args.iter().map(|ty| self.expr(dice, ty, depth)).collect();
        json!({"op": op, "args": args})
    }

    /// The type of something known, or a plain one.
    pub(super) fn some_type(&self, dice: &mut Dice<'_>) -> Ty {
        let plain = [Ty::Nat, Ty::Text, Ty::Int, Ty::Bool, Ty::Bytes];
        match dice.of(2) {
            0 => plain[dice.of(plain.len())].clone(),
            _ => match dice.pick(&self.known) {
                Some(known) => known.ty.clone(),
                None => Ty::Nat,
            },
        }
    }

    /// An operation that gives a bool.
    fn condition(&mut self, dice: &mut Dice<'_>, depth: usize) -> Json {
        let ordered = [
            Ty::Nat,
            Ty::Int,
            Ty::Text,
            Ty::Bytes,
            Ty::Time,
            Ty::Duration,
        ];
        match dice.of(12) {
            0..=2 => {
                let ty = self.some_type(dice);
                let op = ["eq", "ne"][dice.of(2)];
                self.call(dice, op, &[ty.clone(), ty], depth)
            }
            3 | 4 => {
                let ty = ordered[dice.of(ordered.len())].clone();
                let op = ["lt", "le", "gt", "ge"][dice.of(4)];
                self.call(dice, op, &[ty.clone(), ty], depth)
            }
            5 => {
                let count = 1 + dice.of(3);
                let op = ["and", "or"][dice.of(2)];
                self.call(dice, op, &vec![Ty::Bool; count], depth)
            }
            6 => self.call(dice, "not", &[Ty::Bool], depth),
            7 => {
                let of = [list_of(Ty::Text), map_of(Ty::Text)];
                let pairs = [(0, Ty::Nat), (1, Ty::Text)];
                let (index, key) = pairs[dice.of(2)].clone();
                self.call(dice, "has", &[of[index].clone(), key], depth)
            }
            8 => {
                let of = [
                    list_of(Ty::Nat),
                    Ty::Text,
                    map_of(Ty::Nat),
                    set_of(Ty::Text),
                ];
                let part = [Ty::Nat, Ty::Text, Ty::Text, Ty::Text];
                let index = dice.of(4);
                let args = [of[index].clone(), part[index].clone()];
                self.call(dice, "contains", &args, depth)
            }
            9 | 10 => {
                let ty = [Ty::Text, Ty::Bytes][dice.of(2)].clone();
                let op = ["starts_with", "ends_with"][dice.of(2)];
                self.call(dice, op, &[ty.clone(), ty], depth)
            }
            _ => {
                let is_whole = |known: &&Known| matches!(known.ty, Ty::Record(_) | Ty::Map(..));
                let wholes: Vec<&Known> = self.known.iter().filter(is_whole).collect();
                match dice.pick(&wholes).map(|known| known.text.clone()) {
                    Some(text) => {
                        let key = FIELDS[dice.of(FIELDS.len())];
                        json!({"op": "has", "args": [{"ref": text}, {"text": key}]})
                    }
                    None => self.call(dice, "not", &[Ty::Bool], depth),
                }
            }
        }
    }
}
