//! Words and parts to make new texts of: those of the texts that a run starts from.

use std::collections::BTreeSet;

use crate::json::Tree;

/// Parts with more nodes are not kept: two of them would be most of a text.
const MOST_NODES: usize = 60;
/// Parts that are kept.
const MOST_PARTS: usize = 2_000;

/// Each once, in order.
#[derive(Default)]
pub struct Pool {
    pub keys: Vec<String>,
    pub texts: Vec<String>,
    /// Trees, by the name of the member that they are, or are in.
    parts: Vec<(String, Tree)>,
}

impl Pool {
    pub fn of(trees: &[Tree]) -> Pool {
        let (mut keys, mut texts) = (BTreeSet::new(), BTreeSet::new());
        let mut pool = Pool::default();
        for (key, node) in trees.iter().flat_map(nodes) {
            keys.insert(key);
            match node {
                Tree::Text(text) => {
                    texts.insert(text.as_str());
                }
                part => pool.add(key, part),
            }
        }
        pool.keys = keys.into_iter().map(str::to_owned).collect();
        pool.texts = texts.into_iter().map(str::to_owned).collect();
        pool
    }

    fn add(&mut self, key: &str, part: &Tree) {
        let is_new = |pool: &Pool| !pool.of_key(key).any(|known| known == part);
        if self.parts.len() < MOST_PARTS && nodes(part).len() <= MOST_NODES && is_new(self) {
            self.parts.push((key.to_owned(), part.clone()));
        }
    }

    /// The parts that stand under that name.
    pub fn of_key<'p>(&'p self, key: &str) -> impl Iterator<Item = &'p Tree> {
        self.parts
            .iter()
            .filter(move |(known, _)| known == key)
            .map(|(_, part)| part)
    }

    pub fn parts(&self) -> &[(String, Tree)] {
        &self.parts
    }
}

/// All nodes, parents first, each with the name of the member that it is, or is an element of.
pub fn nodes(tree: &Tree) -> Vec<(&str, &Tree)> {
    fn gather<'t>(key: &'t str, tree: &'t Tree, nodes: &mut Vec<(&'t str, &'t Tree)>) {
        nodes.push((key, tree));
        match tree {
            Tree::Array(items) => items.iter().for_each(|item| gather(key, item, nodes)),
            Tree::Object(members) => members
                .iter()
                .for_each(|(key, value)| gather(key, value, nodes)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    gather("", tree, &mut found);
    found
}

/// The node with that place in [`nodes`]; None if there are fewer.
pub fn node_mut(tree: &mut Tree, index: usize) -> Option<&mut Tree> {
    fn find<'t>(tree: &'t mut Tree, left: &mut usize) -> Option<&'t mut Tree> {
        if *left == 0 {
            return Some(tree);
        }
        *left -= 1;
        match tree {
            Tree::Array(items) => items.iter_mut().find_map(|item| find(item, left)),
            Tree::Object(members) => members.iter_mut().find_map(|(_, it)| find(it, left)),
            _ => None,
        }
    }
    find(tree, &mut { index })
}
