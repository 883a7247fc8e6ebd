//! Finds the filters, functions and methods of a template that the engine doesn't have. The engine itself would say so only
//! when a delivery comes, and only in the branch that is taken.

use minijinja::{Environment, Value};

use super::filters::METHODS;

/// Words before a parenthesis that call nothing, and the function of recursive loops.
const KEYWORDS: [&str; 9] = ["if", "elif", "else", "in", "not", "and", "or", "is", "loop"];

/// A token that matters here: a name, or a single character of something else.
#[derive(Clone, Copy, PartialEq)]
enum Token<'t> {
    Name(&'t str),
    Sign(char),
}

/// The first filter, test, function or method that is not there, as a sentence.
pub(super) fn unknown_name(environment: &Environment<'_>, template: &str) -> Option<String> {
    blocks(template).find_map(|block| unknown_in(environment, &tokens(block)))
}

fn unknown_in(environment: &Environment<'_>, tokens: &[Token<'_>]) -> Option<String> {
    let at = |index: usize| tokens.get(index).copied();
    for (index, token) in tokens.iter().enumerate() {
        let Token::Name(name) = *token else { continue };
        let before = index.checked_sub(1).and_then(at);
        let is_called = at(index + 1) == Some(Token::Sign('('));
        let is_test = before == Some(Token::Name("is")) && name != "not"
            || before == Some(Token::Name("not")) && index >= 2 && at(index - 2) == Some(Token::Name("is"));
        let (kind, is_known) = match before {
            Some(Token::Sign('|')) => ("filter", has(environment, "filter", name)),
            _ if is_test => (
                "test",
                has(environment, "test", name) || matches!(name, "undefined" | "defined" | "none"),
            ),
            Some(Token::Sign('.')) if is_called => (
                "method",
                METHODS.contains(&name) || name == "cycle" || name == "changed",
            ),
            Some(Token::Sign('.')) => continue,
            _ if is_called => {
                let is_global = environment.globals().any(|(known, _)| known == name);
                ("function", is_global || KEYWORDS.contains(&name))
            }
            _ => continue,
        };
        if !is_known {
            return Some(format!("there is no {kind} `{name}`"));
        }
    }
    None
}

/// Returns `true` if the engine has a filter or test of this name.
fn has(environment: &Environment<'_>, kind: &str, name: &str) -> bool {
    let context = Value::from_pairs([("name", name)]);
    let is_there = environment.compile_expression(if kind == "filter" {
        "name is filter"
    } else {
        "name is test"
    });
    is_there
        .and_then(|test| test.eval(context))
        .is_ok_and(|value| value.is_true())
}

/// The text between the marks `{{` and `}}`, `{%` and `%}`. Comments and raw text are left out.
fn blocks(template: &str) -> impl Iterator<Item = &str> {
    let mut rest = template;
    std::iter::from_fn(move || {
        loop {
            let start = rest.find('{')?;
            let (mark, inside) = rest[start..].split_at_checked(2)?;
            let close = match mark {
                "{{" => "}}",
                "{%" => "%}",
                "{#" => {
                    rest = inside.split_once("#}").map_or("", |(_, rest)| rest);
                    continue;
                }
                _ => {
                    rest = &rest[start + 1..];
                    continue;
                }
            };
            let end = end_of_block(inside, close);
            let block = &inside[..end];
            rest = &inside[end..];
            if block.trim_matches(['-', '+', ' ']) == "raw" {
                rest = rest.split_once("endraw").map_or("", |(_, rest)| rest);
                continue;
            }
            return Some(block);
        }
    })
}

/// The length of a block, which ends at the mark outside of texts in quotation marks.
fn end_of_block(inside: &str, close: &str) -> usize {
    let mut at = 0;
    while let Some(c) = inside[at..].chars().next() {
        if inside[at..].starts_with(close) {
            return at;
        }
        at += if matches!(c, '"' | '\'') {
            quoted(&inside[at..])
        } else {
            c.len_utf8()
        };
    }
    inside.len()
}

/// The length of a text in quotation marks.
fn quoted(text: &str) -> usize {
    let mut letters = text.char_indices();
    let mark = letters.next().map(|(_, mark)| mark);
    while let Some((at, c)) = letters.next() {
        if c == '\\' {
            letters.next();
        } else if Some(c) == mark {
            return at + c.len_utf8();
        }
    }
    text.len()
}

fn tokens(block: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = block[at..].chars().next() {
        let rest = &block[at..];
        let is_in_name = |c: char| c.is_alphanumeric() || c == '_';
        at += match c {
            '"' | '\'' => {
                tokens.push(Token::Sign('"'));
                quoted(rest)
            }
            _ if is_in_name(c) => {
                let length = rest.find(|c| !is_in_name(c)).unwrap_or(rest.len());
                if !c.is_numeric() {
                    tokens.push(Token::Name(&rest[..length]));
                }
                length
            }
            _ => {
                if !c.is_whitespace() {
                    tokens.push(Token::Sign(c));
                }
                c.len_utf8()
            }
        };
    }
    tokens
}
