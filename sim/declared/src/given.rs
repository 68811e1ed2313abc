//! Values that are declared: ids that are fresh or known, ranges, lists, texts, what stands
//! elsewhere, what is worked out.
//!
//! A value is read once, against the type that it is of; [`Given::draw`] makes one for a run,
//! [`Given::nth`] the n-th of a small world. Neither knows who sends it.

use std::collections::BTreeSet;

use toml::Value as Toml;

use crate::bundles::{Bundles, id};
use crate::condition::{Condition, Problem, Variables};
use crate::expand::Definitions;
use crate::fields;
use crate::late;
use crate::numbers::number;
use crate::path::Path;
use crate::shape::{Shape, Wanted};
use cel::common::types::{CelBool, CelBytes, CelString};
use cel::common::value::Val;
use sim_air::{Schemas, Type, Value};
use sim_model::texts;
use sim_record::random::{Ratio, Stream};

/// A value that is known already, where either will do, so often.
const KNOWN: Ratio = Ratio::new(3, 4);
/// So many of a list are in small worlds.
const MOST_LISTED: usize = 3;

/// A declared value.
#[derive(Debug)]
pub(crate) struct Given {
    ty: Type,
    how: How,
}

#[derive(Debug)]
enum How {
    Is(Value),
    Fresh(String),
    Known(String),
    Any(String),
    Range(i128, i128),
    OneOf(Vec<Value>),
    Text(Alphabet),
    /// The time at which it is sent; or, of a message that may come late, by how much it does.
    Now {
        late: bool,
    },
    From(Path),
    Works(Box<Condition>),
    /// Of a record: these fields; the others are as they were.
    Fields(Vec<(String, Given)>),
    /// Of a variant: this arm.
    Arm(String, Box<Given>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Alphabet {
    Word,
    Line,
    Any,
}

/// What an answer is made from: the parameters of the effect, or the input of the plan.
pub(crate) struct Asked<'a> {
    pub schemas: &'a Schemas,
    /// As conditions call it: `params` or `input`.
    pub name: &'static str,
    pub ty: &'a Type,
    pub value: &'a Value,
}

/// The use of a bundle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfBundle<'g> {
    pub name: &'g str,
    pub ty: &'g Type,
    /// It makes new ids, and does not only take known ones.
    pub makes: bool,
}

/// Ids that were new, by bundle.
pub(crate) type Fresh = BTreeSet<(String, Value)>;

/// Where a value stands, and what it may use.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub schemas: &'a Schemas,
    /// Of an answer: the variable of its conditions, and its type.
    pub asked: Option<(&'static str, &'a Type)>,
    /// What conditions may name.
    pub definitions: &'a Definitions,
    /// Of a request: it may tell the time.
    pub is_request: bool,
}

impl Given {
    /// Reads a value of a type.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read(place: Place<'_>, ty: &Type, toml: &Toml) -> Result<Given, Problem> {
        let schemas = place.schemas;
        let how = match toml {
            Toml::Table(table) => Given::read_table(place, ty, table)?,
            toml => How::Is(literal(schemas, ty, toml)?),
        };
        Ok(Given {
            ty: ty.clone(),
            how,
        })
    }

    fn read_table(place: Place<'_>, ty: &Type, table: &toml::Table) -> Result<How, Problem> {
        let schemas = place.schemas;
        let inner = strip(schemas, ty);
        if let Type::Record(record) = inner
            && table.keys().all(|key| record.field(key).is_some())
        {
            let fields = table.iter().map(|(name, toml)| {
                let ty = &record.field(name).expect("it was just found").ty;
                Ok((name.clone(), Given::read(place, ty, toml)?))
            });
            return Ok(How::Fields(fields.collect::<Result<_, Problem>>()?));
        }
        let (Some((key, toml)), 1) = (table.iter().next(), table.len()) else {
            return Err(unknown_table(schemas, inner, table));
        };
        if let Type::Variant(variant) = inner
            && let Some(arm) = variant.arm(key)
        {
            let given = Given::read(place, &arm.ty, toml)?;
            return Ok(How::Arm(key.clone(), Box::new(given)));
        }
        Given::read_how(place, ty, key, toml)
            .unwrap_or_else(|| Err(unknown_table(schemas, inner, table)))
    }

    /// Reads one of the ways to make a value; None if there is none of that name.
    fn read_how(
        place: Place<'_>,
        ty: &Type,
        key: &str,
        toml: &Toml,
    ) -> Option<Result<How, Problem>> {
        let schemas = place.schemas;
        let inner = strip(schemas, ty);
        let name = || match toml.as_str() {
            Some(name) if !name.is_empty() => Ok(name.to_owned()),
            _ => wrong(format!("`{key}` needs a name, in quotes")),
        };
        let how = match key {
            "value" => literal(schemas, ty, toml).map(How::Is),
            "fresh" | "known" | "any" => name().and_then(|name| {
                id(inner, &name, 1, None).ok_or_else(|| {
                    let what = schemas.describe(ty);
                    (
                        format!("ids are texts, numbers, uuids or hashes, not {what}"),
                        None,
                    )
                })?;
                Ok(match key {
                    "fresh" => How::Fresh(name),
                    "known" => How::Known(name),
                    _ => How::Any(name),
                })
            }),
            "range" => range(schemas, ty, toml),
            "one_of" => match toml.as_array() {
                Some(items) if !items.is_empty() => items
                    .iter()
                    .map(|item| literal(schemas, ty, item))
                    .collect::<Result<_, Problem>>()
                    .map(How::OneOf),
                _ => wrong("`one_of` needs a list of values"),
            },
            "text" => match (inner, toml.as_str()) {
                (Type::Text, Some("word")) => Ok(How::Text(Alphabet::Word)),
                (Type::Text, Some("line")) => Ok(How::Text(Alphabet::Line)),
                (Type::Text, Some("any")) => Ok(How::Text(Alphabet::Any)),
                (Type::Text, _) => wrong("`text` is `word`, `line` or `any`"),
                _ => wrong(format!("the field is no text but {}", schemas.describe(ty))),
            },
            "now" if !place.is_request => wrong("only a request tells the time"),
            "now" => match (inner, toml) {
                (Type::Nat | Type::Time | Type::Int, Toml::Boolean(true)) => {
                    Ok(How::Now { late: false })
                }
                (Type::Nat | Type::Time | Type::Int, Toml::String(word)) if word == "late" => {
                    Ok(How::Now { late: true })
                }
                (Type::Nat | Type::Time | Type::Int, _) => wrong("`now` is `true` or `\"late\"`"),
                _ => wrong(format!("the field is no time but {}", schemas.describe(ty))),
            },
            "from" | "cel" if place.asked.is_none() => wrong(format!(
                "`{key}` is for answers: a request has nothing to take it from"
            )),
            "from" => name().and_then(|name| from(place, ty, &name)),
            "cel" => name().and_then(|source| works(place, &source)),
            _ => return None,
        };
        Some(how)
    }

    /// The arm that it is, if it says so.
    pub fn arm(&self) -> Option<&str> {
        match &self.how {
            How::Arm(tag, _) => Some(tag),
            How::Is(Value::Variant { tag, .. }) => Some(tag),
            _ => None,
        }
    }

    /// Whether a value is drawn: it differs from run to run.
    pub fn is_drawn(&self) -> bool {
        match &self.how {
            How::Is(_) | How::Now { late: false } | How::From(_) | How::Works(_) => false,
            How::Fields(fields) => fields.iter().any(|(_, given)| given.is_drawn()),
            How::Arm(_, given) => given.is_drawn(),
            _ => true,
        }
    }

    /// Whether there is a known id wherever one is needed.
    pub fn is_ready(&self, bundles: &Bundles) -> bool {
        match &self.how {
            How::Known(name) => bundles.has(name),
            How::Fields(fields) => fields.iter().all(|(_, given)| given.is_ready(bundles)),
            How::Arm(_, given) => given.is_ready(bundles),
            _ => true,
        }
    }

    /// Whether time is told in it.
    pub fn tells_time(&self) -> bool {
        match &self.how {
            How::Now { .. } => true,
            How::Fields(fields) => fields.iter().any(|(_, given)| given.tells_time()),
            How::Arm(_, given) => given.tells_time(),
            _ => false,
        }
    }

    /// Tells the time at which it is sent, in a value that was made before.
    pub fn tell(&self, schemas: &Schemas, value: &mut Value, now_ns: u64) {
        match (&self.how, value) {
            (How::Now { late }, value) => {
                let by_ns = match value {
                    Value::Nat(by) if *late => *by,
                    Value::Int(by) if *late => u64::try_from(*by).unwrap_or(0),
                    _ => 0,
                };
                let sent_ns = now_ns.saturating_sub(by_ns);
                *value = match strip(schemas, &self.ty) {
                    Type::Int => Value::Int(i64::try_from(sent_ns).unwrap_or(i64::MAX)),
                    _ => Value::Nat(sent_ns),
                };
            }
            (How::Fields(fields), Value::Map(entries)) => {
                for (key, value) in entries {
                    let is_it = |(name, _): &&(String, Given)| key.as_text() == Some(name);
                    if let Some((_, given)) = fields.iter().find(is_it) {
                        given.tell(schemas, value, now_ns);
                    }
                }
            }
            (How::Arm(arm, given), Value::Variant { tag, value }) if tag == arm => {
                given.tell(schemas, value, now_ns);
            }
            _ => {}
        }
    }

    /// The bundles whose ids it makes or takes.
    pub fn bundles<'g>(&'g self, found: &mut Vec<OfBundle<'g>>) {
        match &self.how {
            How::Fresh(name) | How::Any(name) | How::Known(name) => found.push(OfBundle {
                name,
                ty: &self.ty,
                makes: !matches!(self.how, How::Known(_)),
            }),
            How::Fields(fields) => fields.iter().for_each(|(_, given)| given.bundles(found)),
            How::Arm(_, given) => given.bundles(found),
            _ => {}
        }
    }

    /// Makes a value for a run out of the one that is there.
    pub fn draw(
        &self,
        schemas: &Schemas,
        base: Value,
        bundles: &mut Bundles,
        asked: Option<&Asked<'_>>,
        stream: &mut Stream,
    ) -> Value {
        let ty = strip(schemas, &self.ty);
        match &self.how {
            How::Fresh(name) => bundles.fresh(ty, name),
            How::Known(name) => bundles.pick(name, stream).unwrap_or(base),
            How::Any(name) => match stream.chance(KNOWN) {
                true => bundles.pick(name, stream),
                false => None,
            }
            .unwrap_or_else(|| bundles.fresh(ty, name)),
            How::Range(least, most) => number_of(ty, within(*least, *most, stream)),
            How::OneOf(values) => stream.pick(values).cloned().unwrap_or(base),
            How::Text(alphabet) => Value::text(alphabet.draw(stream)),
            How::Now { late: true } => number_of(ty, late::draw(stream).into()),
            How::Fields(fields) => with_fields(schemas, ty, base, fields, |given, base| {
                given.draw(schemas, base, bundles, asked, stream)
            }),
            How::Arm(tag, given) => in_arm(schemas, ty, tag, base, |base| {
                given.draw(schemas, base, bundles, asked, stream)
            }),
            How::Is(_) | How::Now { late: false } | How::From(_) | How::Works(_) => {
                self.settled(base, asked)
            }
        }
    }

    /// The n-th value of a small world, of [`Given::count`]; ids that are to be new are.
    pub fn nth(
        &self,
        schemas: &Schemas,
        base: Value,
        n: &mut usize,
        bundles: &mut Bundles,
        asked: Option<&Asked<'_>>,
    ) -> Value {
        let ty = strip(schemas, &self.ty);
        let mut digit = || {
            let count = self.count();
            let digit = *n % count;
            *n /= count;
            digit
        };
        match &self.how {
            How::Fresh(name) => bundles.fresh(ty, name),
            How::Known(name) | How::Any(name) => {
                id(ty, name, digit() as u64 + 1, None).unwrap_or(base)
            }
            How::Range(least, most) => {
                let bounds = [*least, *most];
                number_of(ty, bounds[digit()])
            }
            How::OneOf(values) => values[digit()].clone(),
            How::Text(_) => Value::text("a"),
            How::Fields(fields) => with_fields(schemas, ty, base, fields, |given, base| {
                given.nth(schemas, base, n, bundles, asked)
            }),
            How::Arm(tag, given) => in_arm(schemas, ty, tag, base, |base| {
                given.nth(schemas, base, n, bundles, asked)
            }),
            How::Now { late: true } => number_of(ty, 0),
            How::Is(_) | How::Now { late: false } | How::From(_) | How::Works(_) => {
                self.settled(base, asked)
            }
        }
    }

    /// How many values there are in a small world.
    pub fn count(&self) -> usize {
        match &self.how {
            How::Known(_) | How::Any(_) => 2,
            How::Range(least, most) => 1 + usize::from(least != most),
            How::OneOf(values) => values.len().min(MOST_LISTED),
            How::Fields(fields) => fields.iter().map(|(_, given)| given.count()).product(),
            How::Arm(_, given) => given.count(),
            _ => 1,
        }
    }

    /// A value that is the same whoever asks.
    fn settled(&self, base: Value, asked: Option<&Asked<'_>>) -> Value {
        match (&self.how, asked) {
            (How::Is(value), _) => value.clone(),
            // An option that is empty makes nothing.
            (How::From(path), Some(asked)) => match path.find(asked.value) {
                Some(found) if *found != Value::Null => found.clone(),
                _ => base,
            },
            (How::Works(condition), Some(asked)) => {
                self.worked_out(condition, asked).unwrap_or(base)
            }
            _ => base,
        }
    }

    /// What a condition works out; None if that is an error, or no value of the type.
    fn worked_out(&self, condition: &Condition, asked: &Asked<'_>) -> Option<Value> {
        let ty = strip(asked.schemas, &self.ty);
        let made = condition.evaluate(&asked.variables(), |val| value_of(ty, val));
        made.ok()?
    }

    /// Whether a value might be made so. Ids that are to be new are not among `fresh`, and are from
    /// here on.
    pub fn allows(&self, value: &Value, fresh: &mut Fresh) -> bool {
        match &self.how {
            How::Is(is) => is == value,
            How::Fresh(name) => fresh.insert((name.clone(), value.clone())),
            How::Known(_) | How::Any(_) => *value != Value::text(""),
            How::Range(least, most) => {
                let number = match value {
                    Value::Nat(number) => i128::from(*number),
                    Value::Int(number) => i128::from(*number),
                    _ => return false,
                };
                (*least..=*most).contains(&number)
            }
            How::OneOf(values) => values.contains(value),
            How::Text(Alphabet::Any) => true,
            How::Text(_) => *value != Value::text(""),
            How::Fields(fields) => fields.iter().all(|(name, given)| {
                let field = value.field(name);
                field.is_none_or(|value| given.allows(value, fresh))
            }),
            How::Arm(tag, given) => match value {
                Value::Variant { tag: is, value } => is == tag && given.allows(value, fresh),
                _ => false,
            },
            How::Now { .. } | How::From(_) | How::Works(_) => true,
        }
    }

    /// Takes up the ids that stand in a value.
    pub fn gather(&self, value: &Value, bundles: &mut Bundles) {
        match &self.how {
            How::Fresh(name) | How::Known(name) | How::Any(name) => {
                bundles.add(name, value.clone());
            }
            How::Fields(fields) => {
                for (name, given) in fields {
                    if let Some(value) = value.field(name) {
                        given.gather(value, bundles);
                    }
                }
            }
            How::Arm(_, given) => {
                if let Value::Variant { value, .. } = value {
                    given.gather(value, bundles);
                }
            }
            _ => {}
        }
    }
}

impl Asked<'_> {
    /// As a condition sees it.
    pub fn variables(&self) -> Variables {
        let mut variables = Variables::default();
        variables.set(self.name, fields::val(self.schemas, self.ty, self.value));
        variables
    }
}

impl Alphabet {
    fn draw(self, stream: &mut Stream) -> String {
        const WORDS: [&str; 6] = ["a", "b", "alpha", "beta", "gamma", "zulu"];
        const LINES: [&str; 5] = ["a b", "A", "0", "x-1_y.z", "~!@#$%^&*()\"'`\\/"];
        let pick =
            |stream: &mut Stream, list: &[&str]| (*stream.pick(list).unwrap_or(&"a")).to_owned();
        match self {
            Alphabet::Word => pick(stream, &WORDS),
            Alphabet::Line if stream.below(2) == 0 => pick(stream, &WORDS),
            Alphabet::Line => pick(stream, &LINES),
            Alphabet::Any => match stream.below(4) {
                0 => String::new(),
                1 => pick(stream, &texts::SPEAKING),
                2 => texts::long(texts::length(stream)),
                _ => pick(stream, &WORDS),
            },
        }
    }
}

/// A type without its options.
pub(crate) fn strip<'s>(schemas: &'s Schemas, ty: &'s Type) -> &'s Type {
    let mut ty = schemas.resolve(ty);
    while let Type::Option(some) = ty {
        ty = schemas.resolve(some);
    }
    ty
}

fn wrong<T>(what: impl Into<String>) -> Result<T, Problem> {
    Err((what.into(), None))
}

/// A value that stands as it is.
fn literal(schemas: &Schemas, ty: &Type, toml: &Toml) -> Result<Value, Problem> {
    let json = serde_json::to_value(toml).map_err(|error| (error.to_string(), None))?;
    schemas.value_of_type_from_json(ty, &json).map_err(|error| {
        let path = match error.path.is_empty() {
            true => String::new(),
            false => format!("`{}`: ", error.path.trim_start_matches('/')),
        };
        (
            format!("{path}expected {}, found {}", error.expected, error.found),
            None,
        )
    })
}

const WAYS: [&str; 9] = [
    "fresh", "known", "any", "range", "one_of", "text", "now", "from", "cel",
];

/// A table that is neither fields nor a way to make a value.
fn unknown_table(schemas: &Schemas, ty: &Type, table: &toml::Table) -> Problem {
    let fields: Vec<&str> = match ty {
        Type::Record(record) => record
            .fields()
            .iter()
            .map(|field| field.name.as_str())
            .collect(),
        Type::Variant(variant) => variant.arms().iter().map(|arm| arm.tag.as_str()).collect(),
        _ => Vec::new(),
    };
    let known = || fields.iter().chain(&WAYS).copied();
    let unknown = table.keys().find(|key| !known().any(|name| name == *key));
    let Some(unknown) = unknown else {
        let keys: Vec<&str> = table.keys().map(String::as_str).collect();
        let message = format!("`{}` say more than one thing", keys.join("`, `"));
        return (message, Some("a value is made in one way".to_owned()));
    };
    let hint = sim_air::suggest(unknown, known()).unwrap_or_else(|| match fields.is_empty() {
        true => format!(
            "{} is made by one of {}",
            schemas.describe(ty),
            WAYS.join(", ")
        ),
        false => format!(
            "there are {}; or one of {}",
            fields.join(", "),
            WAYS.join(", ")
        ),
    });
    (format!("unknown `{unknown}`"), Some(hint))
}

/// `[least, most]`.
fn range(schemas: &Schemas, ty: &Type, toml: &Toml) -> Result<How, Problem> {
    let inner = strip(schemas, ty);
    let bounds = toml
        .as_array()
        .map(|items| items.iter().map(whole).collect::<Option<Vec<_>>>());
    let Some(Some([least, most])) = bounds.as_ref().map(|it| it.as_ref().map(|it| &it[..])) else {
        return wrong("`range` needs two whole numbers: [1, 100]");
    };
    let fits = |number: i128| match inner {
        Type::Nat | Type::Time => u64::try_from(number).is_ok(),
        Type::Int | Type::Duration => i64::try_from(number).is_ok(),
        _ => false,
    };
    match fits(*least) && fits(*most) && least <= most {
        true => Ok(How::Range(*least, *most)),
        false => wrong(format!(
            "{least} to {most} is no range of {}",
            schemas.describe(ty)
        )),
    }
}

/// A whole number; those above the range of TOML are texts.
fn whole(toml: &Toml) -> Option<i128> {
    match toml {
        Toml::Integer(number) => Some(i128::from(*number)),
        Toml::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A number of the range; the ends come more often.
fn within(least: i128, most: i128, stream: &mut Stream) -> i128 {
    match stream.below(6) {
        0 => least,
        1 => most,
        _ => {
            let span = most - least + 1;
            least + i128::from(stream.word()).rem_euclid(span)
        }
    }
}

fn number_of(ty: &Type, number: i128) -> Value {
    match ty {
        Type::Int | Type::Duration => Value::Int(i64::try_from(number).unwrap_or_default()),
        _ => Value::Nat(u64::try_from(number).unwrap_or_default()),
    }
}

fn from(place: Place<'_>, to: &Type, path: &str) -> Result<How, Problem> {
    let Some((name, ty)) = place.asked else {
        return wrong("there is nothing to take it from");
    };
    let path = path
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('.'))
        .unwrap_or(path);
    let path = Path::new(path);
    let schemas = place.schemas;
    match path.resolve(schemas, ty) {
        Ok(ty) if !are_alike(strip(schemas, ty), strip(schemas, to)) => {
            let types = [ty, to].map(|ty| schemas.describe(ty));
            wrong(format!(
                "there is {}, and the field is {}",
                types[0], types[1]
            ))
        }
        Ok(_) => Ok(How::From(path)),
        Err((unknown, known)) => {
            let hint = sim_air::suggest(&unknown, known.iter().map(String::as_str));
            let hint = hint.or_else(|| Some(format!("there are {}", known.join(", "))));
            Err((format!("no `{unknown}` in the {name}"), hint))
        }
    }
}

/// Whether values of one type are values of another.
fn are_alike(from: &Type, to: &Type) -> bool {
    match to {
        Type::Nat | Type::Time => matches!(from, Type::Nat | Type::Time),
        Type::Int | Type::Duration => matches!(from, Type::Int | Type::Duration),
        Type::Text => matches!(from, Type::Text | Type::Uuid | Type::Hash | Type::Dec128),
        to => from == to,
    }
}

fn works(place: Place<'_>, source: &str) -> Result<How, Problem> {
    let Some((name, ty)) = place.asked else {
        return wrong("there is nothing to work it out from");
    };
    let variables = [(name.to_owned(), Shape::Air(ty.clone()))];
    let known = (&variables[..], place.definitions);
    match Condition::parse(source, place.schemas, known, Wanted::Anything) {
        Ok(condition) => Ok(How::Works(Box::new(condition))),
        Err(mut problems) => Err(problems.remove(0)),
    }
}

/// What a condition gave, as a value of a type.
fn value_of(ty: &Type, val: &dyn Val) -> Option<Value> {
    if let Some(number) = number(val) {
        return match ty {
            Type::Int | Type::Duration => i64::try_from(number).ok().map(Value::Int),
            Type::Nat | Type::Time => u64::try_from(number).ok().map(Value::Nat),
            _ => None,
        };
    }
    if let Some(text) = val.downcast_ref::<CelString<'_>>() {
        let text = text.inner();
        return match ty {
            Type::Text | Type::Hash | Type::Uuid | Type::Dec128 => Some(Value::text(text)),
            Type::Bytes => Some(Value::Bytes(text.as_bytes().to_vec())),
            Type::Variant(variant) => variant.arm(text).map(|arm| Value::Variant {
                tag: arm.tag.clone(),
                value: Box::new(Value::Null),
            }),
            _ => None,
        };
    }
    if let Some(flag) = val.downcast_ref::<CelBool>() {
        return (*ty == Type::Bool).then_some(Value::Bool(*flag.inner()));
    }
    let bytes = val.downcast_ref::<CelBytes<'_>>()?;
    (*ty == Type::Bytes).then(|| Value::Bytes(bytes.inner().to_vec()))
}

/// A record with some of its fields made anew.
fn with_fields(
    schemas: &Schemas,
    ty: &Type,
    base: Value,
    fields: &[(String, Given)],
    mut make: impl FnMut(&Given, Value) -> Value,
) -> Value {
    let mut record = match base {
        Value::Map(_) => base,
        _ => sim_model::sample::plainest(schemas, ty),
    };
    if let Value::Map(entries) = &mut record {
        for (name, given) in fields {
            let is_it = |entry: &&mut (Value, Value)| entry.0.as_text() == Some(name);
            if let Some(entry) = entries.iter_mut().find(is_it) {
                let base = std::mem::replace(&mut entry.1, Value::Null);
                entry.1 = make(given, base);
            }
        }
    }
    record
}

/// A variant in one of its arms, whose payload is made anew.
fn in_arm(
    schemas: &Schemas,
    ty: &Type,
    tag: &str,
    base: Value,
    make: impl FnOnce(Value) -> Value,
) -> Value {
    let payload = match base {
        Value::Variant { tag: is, value } if is == tag => *value,
        _ => match ty {
            Type::Variant(variant) => variant.arm(tag).map_or(Value::Null, |arm| {
                sim_model::sample::plainest(schemas, &arm.ty)
            }),
            _ => Value::Null,
        },
    };
    Value::Variant {
        tag: tag.to_owned(),
        value: Box::new(make(payload)),
    }
}
