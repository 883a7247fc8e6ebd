//! Webhook IDs and their spellings for the tests of every search.

use super::WebhookId;

/// A webhook ID made of this number.
pub(crate) fn id(seed: u64) -> WebhookId {
    let mut state = seed;
    let Ok(id) = WebhookId::generate(|buffer| {
        buffer.fill_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[1]
        });
        Ok::<(), std::convert::Infallible>(())
    });
    id
}

/// One character in one of the spellings.
fn written(c: char, way: u8) -> String {
    let code = u32::from(c);
    match if c.is_ascii() { way } else { 5 } {
        0 => format!("\\u{code:04x}"),
        1 => format!("\\u{code:04X}"),
        2 => format!("%{code:02X}"),
        3 => format!("%25{code:02x}"),
        4 => format!("&#{code};"),
        5 => format!("&#x{code:X};"),
        6 => format!("&amp;#{code};"),
        7 => format!("={code:02X}"),
        8 => format!("\\x{code:02x}"),
        9 => format!("%u{code:04x}"),
        10 => format!("{c}\u{200B}"),
        11 => format!("{c}\u{AD}"),
        12 => format!("{c}=\r\n"),
        13 => format!("{c}\\n"),
        14 => format!("{c}&shy;"),
        15 if c.is_ascii_graphic() => char::from_u32(code - 0x21 + 0xFF01).into_iter().collect(),
        _ => c.to_string(),
    }
}

/// A text in which each character has the next of these spellings.
pub(crate) fn spelled(text: &str, ways: &[u8]) -> String {
    let ways = ways.iter().cycle();
    text.chars().zip(ways).map(|(c, way)| written(c, *way)).collect()
}
