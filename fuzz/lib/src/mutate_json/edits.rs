//! Edits of a tree. What comes of one need not mean anything, but is JSON.

use arbitrary::{Result, Unstructured};

use super::Palette;
use super::pool::{node_mut, nodes};
use crate::json::{COMMENT, Tree};

/// How deep a part is wrapped at most: some levels more than documents may have.
const MOST_LEVELS: usize = 70;

const TEXTS: [&str; 18] = [
    "",
    "a",
    "$value",
    "@event",
    "@plan.input",
    "@var:correlation_id",
    "sys/TimerFired@1",
    "sha256:0000000000000000000000000000000000000000000000000000000000000000",
    "18446744073709551615",
    "-9223372036854775808",
    "1970-01-01T00:00:00Z",
    "PT1.5S",
    "00000000-0000-0000-0000-000000000000",
    "AA==",
    "1e6144",
    "\u{e9}\u{1f980}",
    "\u{1b}[31m\n\u{0}\u{202e}",
    "/~",
];
const NUMBERS: [i64; 8] = [0, 1, 2, -1, 1 << 53, (1 << 53) + 1, i64::MAX, i64::MIN];

pub fn edit(tree: &mut Tree, palette: &mut Palette<'_>, dice: &mut Unstructured<'_>) -> Result<()> {
    match dice.int_in_range(0..=23)? {
        0 | 1 => delete(tree, dice),
        2 | 3 => duplicate(tree, dice),
        4 => swap(tree, dice),
        5 | 6 => relocate(tree, dice),
        7..=10 => replace_leaf(tree, palette, dice),
        11..=15 => replace_part(tree, palette, dice),
        16..=18 => rename_throughout(tree, palette, dice),
        19 | 20 => rename_member(tree, palette, dice),
        21 => insert_part(tree, palette, dice),
        22 => wrap(tree, dice),
        _ => unwrap_part(tree, dice),
    }
}

/// Puts a part of another tree where one stands, or among those of a list or an object.
pub fn splice(tree: &mut Tree, other: &Tree, dice: &mut Unstructured<'_>) -> Result<()> {
    let mut parts = nodes(other);
    let target = dice.choose_index(nodes(tree).len())?;
    let key = nodes(tree)[target].0.to_owned();
    // What stands under the same name mostly fits.
    if dice.ratio(3, 4)? && parts.iter().any(|(known, _)| *known == key) {
        parts.retain(|(known, _)| *known == key);
    }
    let (key, part) = *dice.choose(&parts)?;
    match node_mut(tree, target) {
        Some(Tree::Array(items)) if dice.arbitrary()? => items.push(part.clone()),
        Some(Tree::Object(members)) if dice.arbitrary()? => {
            members.push((key.to_owned(), part.clone()));
        }
        Some(node) => *node = part.clone(),
        None => {}
    }
    Ok(())
}

/// A node that is to the purpose, if there is one.
fn pick<'t>(
    tree: &'t mut Tree,
    dice: &mut Unstructured<'_>,
    suits: impl Fn(&str, &Tree) -> bool,
) -> Result<Option<&'t mut Tree>> {
    let nodes = nodes(tree).into_iter().enumerate();
    let suiting: Vec<usize> = nodes
        .filter(|(_, (key, node))| suits(key, node))
        .map(|(index, _)| index)
        .collect();
    if suiting.is_empty() {
        return Ok(None);
    }
    let index = *dice.choose(&suiting)?;
    Ok(node_mut(tree, index))
}

fn length(tree: &Tree) -> usize {
    match tree {
        Tree::Array(items) => items.len(),
        Tree::Object(members) => members.len(),
        _ => 0,
    }
}

fn delete(tree: &mut Tree, dice: &mut Unstructured<'_>) -> Result<()> {
    match pick(tree, dice, |_, node| length(node) > 0)? {
        Some(Tree::Array(items)) => {
            items.remove(dice.choose_index(items.len())?);
        }
        Some(Tree::Object(members)) => {
            members.remove(dice.choose_index(members.len())?);
        }
        _ => {}
    }
    Ok(())
}

/// A member is doubled under a name of its own, or now and then under the same.
fn duplicate(tree: &mut Tree, dice: &mut Unstructured<'_>) -> Result<()> {
    match pick(tree, dice, |_, node| length(node) > 0)? {
        Some(Tree::Array(items)) => {
            let index = dice.choose_index(items.len())?;
            items.insert(index, items[index].clone());
        }
        Some(Tree::Object(members)) => {
            let (mut key, value) = members[dice.choose_index(members.len())?].clone();
            if dice.ratio(3, 4)? {
                key.push('2');
            }
            members.insert(dice.choose_index(members.len())?, (key, value));
        }
        _ => {}
    }
    Ok(())
}

fn swap(tree: &mut Tree, dice: &mut Unstructured<'_>) -> Result<()> {
    match pick(tree, dice, |_, node| length(node) > 1)? {
        Some(Tree::Array(items)) => {
            let (one, other) = two(items.len(), dice)?;
            items.swap(one, other);
        }
        // Values are swapped: the order of members means nothing.
        Some(Tree::Object(members)) => {
            let (one, other) = two(members.len(), dice)?;
            let value = members[one].1.clone();
            members[one].1 = std::mem::replace(&mut members[other].1, value);
        }
        _ => {}
    }
    Ok(())
}

fn two(length: usize, dice: &mut Unstructured<'_>) -> Result<(usize, usize)> {
    Ok((dice.choose_index(length)?, dice.choose_index(length)?))
}

/// Takes a member or an element out and puts it into another list or object.
fn relocate(tree: &mut Tree, dice: &mut Unstructured<'_>) -> Result<()> {
    let (key, part) = match pick(tree, dice, |_, node| length(node) > 0)? {
        Some(Tree::Array(items)) => {
            let index = dice.choose_index(items.len())?;
            ("moved".to_owned(), items.remove(index))
        }
        Some(Tree::Object(members)) => members.remove(dice.choose_index(members.len())?),
        _ => return Ok(()),
    };
    insert(tree, key, part, dice)
}

fn insert(tree: &mut Tree, key: String, part: Tree, dice: &mut Unstructured<'_>) -> Result<()> {
    let is_parent = |node: &Tree| matches!(node, Tree::Array(_) | Tree::Object(_));
    match pick(tree, dice, |_, node| is_parent(node))? {
        Some(Tree::Array(items)) => items.insert(dice.int_in_range(0..=items.len())?, part),
        Some(Tree::Object(members)) => {
            members.insert(dice.int_in_range(0..=members.len())?, (key, part));
        }
        _ => {}
    }
    Ok(())
}

fn is_leaf(tree: &Tree) -> bool {
    length(tree) == 0
}

fn replace_leaf(
    tree: &mut Tree,
    palette: &mut Palette<'_>,
    dice: &mut Unstructured<'_>,
) -> Result<()> {
    let known = texts(tree);
    let Some(leaf) = pick(tree, dice, |_, node| is_leaf(node))? else {
        return Ok(());
    };
    *leaf = match leaf {
        // Mostly of the same kind: another kind is refused where it stands.
        Tree::Text(text) if dice.ratio(7, 8)? => {
            Tree::Text(other_text(text, &known, palette, dice)?)
        }
        Tree::Number(number) if dice.ratio(7, 8)? => other_number(number, palette, dice)?,
        Tree::Bool(flag) if dice.ratio(7, 8)? => Tree::Bool(!*flag),
        _ => match dice.int_in_range(0..=5)? {
            0 => Tree::Null,
            1 => Tree::Bool(dice.arbitrary()?),
            2 => Tree::Number((*dice.choose(&NUMBERS)?).into()),
            3 => Tree::Text((*dice.choose(&TEXTS)?).to_owned()),
            4 => Tree::Array(Vec::new()),
            _ => Tree::Object(Vec::new()),
        },
    };
    Ok(())
}

/// The texts of a tree, as often as they stand there.
fn texts(tree: &Tree) -> Vec<String> {
    let text = |(_, node): (&str, &Tree)| match node {
        Tree::Text(text) => Some(text.clone()),
        _ => None,
    };
    nodes(tree).into_iter().filter_map(text).collect()
}

fn other_text(
    text: &str,
    known: &[String],
    palette: &mut Palette<'_>,
    dice: &mut Unstructured<'_>,
) -> Result<String> {
    Ok(match dice.int_in_range(0..=7)? {
        0..=2 if !known.is_empty() => dice.choose(known)?.clone(),
        3 | 4 if !palette.pool.texts.is_empty() => dice.choose(&palette.pool.texts)?.clone(),
        5 => (*dice.choose(&TEXTS)?).to_owned(),
        6 => format!("{text}{}", dice.choose(&TEXTS)?),
        _ => {
            let mut bytes = text.as_bytes().to_vec();
            (palette.bytes)(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        }
    })
}

fn other_number(
    number: &serde_json::Number,
    palette: &mut Palette<'_>,
    dice: &mut Unstructured<'_>,
) -> Result<Tree> {
    let bits = number
        .as_u64()
        .or(number.as_i64().map(|number| number as u64));
    let bits = bits.unwrap_or_default();
    Ok(match dice.int_in_range(0..=6)? {
        0 | 1 => Tree::Number((*dice.choose(&NUMBERS)?).into()),
        2 => Tree::Number(u64::MAX.into()),
        3 => Tree::Number(bits.wrapping_add(1).into()),
        4 => Tree::Number((bits ^ 1 << dice.int_in_range(0..=63)?).into()),
        // What stands in a text may be a number too, and the other way round.
        5 => Tree::Text(number.to_string()),
        _ => {
            let mut bytes = f64::from_bits(bits).to_le_bytes().to_vec();
            (palette.bytes)(&mut bytes);
            bytes.resize(8, 0);
            let bytes = bytes.try_into().unwrap_or_default();
            let number = serde_json::Number::from_f64(f64::from_le_bytes(bytes));
            number.map_or(Tree::Null, Tree::Number)
        }
    })
}

/// A part for another one that stands under the same name elsewhere, or now and then for any.
fn replace_part(
    tree: &mut Tree,
    palette: &mut Palette<'_>,
    dice: &mut Unstructured<'_>,
) -> Result<()> {
    let parts = nodes(tree);
    let target = dice.choose_index(parts.len())?;
    let key = parts[target].0;
    let alike = parts.iter().filter(|(known, _)| *known == key);
    let mut others: Vec<&Tree> = alike.map(|(_, part)| *part).collect();
    others.extend(palette.pool.of_key(key));
    if dice.ratio(1, 8)? {
        others = palette.pool.parts().iter().map(|(_, part)| part).collect();
    }
    if others.is_empty() {
        return Ok(());
    }
    let part = (*dice.choose(&others)?).clone();
    if let Some(node) = node_mut(tree, target) {
        *node = part;
    }
    Ok(())
}

fn insert_part(
    tree: &mut Tree,
    palette: &mut Palette<'_>,
    dice: &mut Unstructured<'_>,
) -> Result<()> {
    let comment = (COMMENT.to_owned(), Tree::Number(1.into()));
    let (key, part) = match palette.pool.parts() {
        [] => comment,
        parts if dice.ratio(7, 8)? => dice.choose(parts)?.clone(),
        _ => comment,
    };
    insert(tree, key, part, dice)
}

/// Gives a text another spelling wherever it stands, as a value or as a name: mostly one that
/// others refer to, and mostly one that nothing has.
fn rename_throughout(
    tree: &mut Tree,
    palette: &mut Palette<'_>,
    dice: &mut Unstructured<'_>,
) -> Result<()> {
    const NAMES: [&str; 3] = ["name", "id", "as"];
    let known = texts(tree);
    if known.is_empty() {
        return Ok(());
    }
    let is_named = dice.ratio(3, 4)?;
    let named = |key: &str, node: &Tree| NAMES.contains(&key) && matches!(node, Tree::Text(_));
    let old = match pick(tree, dice, |key, node| is_named && named(key, node))? {
        Some(Tree::Text(name)) => name.clone(),
        _ => dice.choose(&known)?.clone(),
    };
    let new = match dice.int_in_range(0..=5)? {
        0 => other_text(&old, &known, palette, dice)?,
        // Another text that is still a name where the old one was.
        1 | 2 => format!("a{old}"),
        _ => format!("{old}1"),
    };
    rename(tree, &old, &new);
    Ok(())
}

fn rename(tree: &mut Tree, old: &str, new: &str) {
    match tree {
        Tree::Text(text) if text == old => *text = new.to_owned(),
        Tree::Array(items) => items.iter_mut().for_each(|item| rename(item, old, new)),
        Tree::Object(members) => {
            for (key, value) in members {
                if key == old {
                    *key = new.to_owned();
                }
                rename(value, old, new);
            }
        }
        _ => {}
    }
}

fn rename_member(
    tree: &mut Tree,
    palette: &mut Palette<'_>,
    dice: &mut Unstructured<'_>,
) -> Result<()> {
    let is_object = |node: &Tree| matches!(node, Tree::Object(_)) && length(node) > 0;
    let keys = &palette.pool.keys;
    if let Some(Tree::Object(members)) = pick(tree, dice, |_, node| is_object(node))? {
        let index = dice.choose_index(members.len())?;
        let key = &mut members[index].0;
        *key = match dice.int_in_range(0..=7)? {
            0..=5 if !keys.is_empty() => dice.choose(keys)?.clone(),
            6 => (*dice.choose(&TEXTS)?).to_owned(),
            _ => format!("{key}1"),
        };
    }
    Ok(())
}

/// Puts a part into an object or an array of its own; now and then into many.
fn wrap(tree: &mut Tree, dice: &mut Unstructured<'_>) -> Result<()> {
    const WORDS: [&str; 6] = ["list", "option", "set", "record", "variant", "value"];
    let levels = match dice.ratio(1, 4)? {
        true => dice.int_in_range(1..=MOST_LEVELS)?,
        false => 1,
    };
    let word = dice.choose_index(WORDS.len() + 1)?;
    if let Some(node) = pick(tree, dice, |_, _| true)? {
        for _ in 0..levels {
            let inner = std::mem::replace(node, Tree::Null);
            *node = match WORDS.get(word) {
                Some(word) => Tree::Object(vec![((*word).to_owned(), inner)]),
                None => Tree::Array(vec![inner]),
            };
        }
    }
    Ok(())
}

/// Puts one of its parts in the place of a whole.
fn unwrap_part(tree: &mut Tree, dice: &mut Unstructured<'_>) -> Result<()> {
    let Some(node) = pick(tree, dice, |_, node| length(node) > 0)? else {
        return Ok(());
    };
    let part = match node {
        Tree::Array(items) => items.swap_remove(dice.choose_index(items.len())?),
        Tree::Object(members) => members.swap_remove(dice.choose_index(members.len())?).1,
        _ => return Ok(()),
    };
    *node = part;
    Ok(())
}
