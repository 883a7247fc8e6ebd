//! Webhook IDs and other secrets: exactly the generated form is accepted.

use hookgate_domain::leaks::{mask_secrets, may_hold_secret};
use hookgate_domain::webhook_id::find_webhook_ids;
use hookgate_domain::{WebhookId, WebhookIdError};
use hookgate_people::{ApiToken, SessionToken, SignInSecret};

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Parses the bytes as a webhook ID, and generates an ID with the bytes as randomness.
pub fn webhook_id(data: &[u8]) {
    if let Ok(text) = str::from_utf8(data) {
        read(text);
    }
    let mut random = data;
    let made = WebhookId::generate(|buffer| {
        let (bytes, rest) = random.split_at_checked(buffer.len()).ok_or(())?;
        buffer.copy_from_slice(bytes);
        random = rest;
        Ok::<_, ()>(())
    });
    let Ok(id) = made else {
        return;
    };
    let text = id.reveal();
    read(text);
    assert_eq!(
        text.parse::<WebhookId>().map(|read| read.digest()),
        Ok(id.digest())
    );
    assert!(text.starts_with(&id.hint().to_string()));
    assert!(may_hold_secret(
        &[b"/webhooks/custom/", text.as_bytes(), data].concat()
    ));
    spelled(text, data);
    let another_kind = text.replacen("wh_", "hgt_", 1);
    assert!(
        another_kind.parse::<ApiToken>().is_err(),
        "the prefix is checked too"
    );
    assert!(text.parse::<SessionToken>().is_err() && text.parse::<SignInSecret>().is_err());
    one_wrong_digit(text, data);
}

/// Checks that an ID in a text is found and masked in every encoding, and that masking changes nothing else.
fn spelled(id: &str, data: &[u8]) {
    let digits: Vec<_> = id[3..]
        .bytes()
        .zip(data.iter().cycle())
        .map(|(digit, way)| match way % 8 {
            0 => format!("\\u{digit:04x}"),
            1 => format!("%{digit:02X}"),
            2 => format!("%25{digit:02x}"),
            3 => format!("&#{digit};"),
            4 => format!("&amp;#x{digit:x};"),
            5 => format!("{}\u{200B}", char::from(digit)),
            _ => char::from(digit).to_string(),
        })
        .collect();
    let text = [b"x_", digits.concat().as_bytes(), b" ", data].concat();
    assert!(find_webhook_ids(&text).iter().any(|found| found.reveal() == id));
    let masked = mask_secrets(&text).expect("an ID");
    assert_eq!(masked.len(), text.len());
    assert!(find_webhook_ids(&masked).iter().all(|found| found.reveal() != id));
    let changed = masked.iter().zip(&text).filter(|(masked, byte)| masked != byte);
    assert!(changed.into_iter().all(|(masked, _)| b"*-.~".contains(masked)));
}

/// Checks that a text is an ID exactly if its form and checksum are right, and that `Debug` shows only the hint.
fn read(text: &str) {
    let is_id = has_form(text) && text.as_bytes()[35..] == checksum(&text.as_bytes()[..35]);
    match text.parse::<WebhookId>() {
        Ok(id) => {
            assert!(is_id, "{text}");
            assert_eq!(id.reveal(), text);
            assert_eq!(format!("{id:?}"), format!("WebhookId({}…)", &text[..7]));
        }
        Err(WebhookIdError::Form) => assert!(!has_form(text), "{text}"),
        Err(WebhookIdError::Checksum) => assert!(has_form(text) && !is_id, "{text}"),
    }
}

fn has_form(text: &str) -> bool {
    text.len() == 41 && text.starts_with("wh_") && text.bytes().skip(3).all(|byte| DIGITS.contains(&byte))
}

/// Checks that one wrong digit is found. A CRC-32 detects every change within four adjacent bytes.
fn one_wrong_digit(text: &str, data: &[u8]) {
    let mut wrong = text.as_bytes().to_vec();
    let place = 3 + usize::from(data[0]) % 38;
    wrong[place] = DIGITS[usize::from(data[1]) % 62];
    let wrong = String::from_utf8(wrong).expect("ASCII");
    assert_eq!(wrong.parse::<WebhookId>().is_ok(), wrong == text, "{wrong}");
}

/// Computes the CRC-32 of RFC 1952 bit by bit, in six digits of base 62.
fn checksum(bytes: &[u8]) -> [u8; 6] {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 * (crc & 1));
        }
    }
    let mut rest = !crc;
    let mut digits = [0; 6];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}
