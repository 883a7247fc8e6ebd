//! Secrets in text form.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

fn read(text: &str, scheme: SignatureScheme) -> Result<Vec<u8>, SecretError> {
    SenderSecret::read(text, scheme).map(|secret| secret.as_bytes().to_vec())
}

#[test]
fn a_new_secret_shows_itself_in_the_form_of_the_scheme() {
    let secret = SigningSecret::generate(|bytes| {
        bytes.fill(1);
        Ok::<(), std::convert::Infallible>(())
    });
    let text = secret.unwrap().reveal();
    assert_eq!(
        STANDARD.decode(&text.as_bytes()["whsec_".len()..]).unwrap(),
        [1; 32]
    );
    assert_eq!(read(&text, SignatureScheme::StandardWebhooks), Ok(vec![1; 32]));
    assert_eq!(
        read(&text, SignatureScheme::Github),
        Ok(text.as_bytes().to_vec()),
        "its text is the key"
    );
}

#[test]
fn secrets_of_standard_webhooks_have_24_to_64_bytes() {
    for (bytes, is_right) in [(0, false), (23, false), (24, true), (64, true), (65, false)] {
        let text = format!(" whsec_{}\n", STANDARD.encode(vec![7; bytes]));
        let expected = if is_right {
            Ok(vec![7; bytes])
        } else {
            Err(SecretError::Symmetric)
        };
        assert_eq!(
            read(&text, SignatureScheme::StandardWebhooks),
            expected,
            "{bytes}"
        );
    }
    let whole = STANDARD.encode([7; 32]);
    for text in [
        "",
        "whsec_",
        "whsec_!",
        &whole,
        &format!("whpk_{whole}"),
        &format!("WHSEC_{whole}"),
    ] {
        assert_eq!(
            read(text, SignatureScheme::StandardWebhooks),
            Err(SecretError::Symmetric),
            "{text}"
        );
    }
}

#[test]
fn public_keys_have_32_bytes() {
    for (bytes, is_right) in [(31, false), (32, true), (33, false)] {
        let text = format!("whpk_{}", STANDARD.encode(vec![7; bytes]));
        let expected = if is_right {
            Ok(vec![7; bytes])
        } else {
            Err(SecretError::PublicKey)
        };
        assert_eq!(
            read(&text, SignatureScheme::StandardWebhooksEd25519),
            expected,
            "{bytes}"
        );
        let expected = if is_right {
            Ok(vec![7; bytes])
        } else {
            Err(SecretError::HexPublicKey)
        };
        assert_eq!(
            read(&"07".repeat(bytes), SignatureScheme::Discord),
            expected,
            "{bytes}"
        );
    }
    for text in [
        "",
        "whpk_",
        "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
        &"ä".repeat(32),
    ] {
        assert_eq!(
            read(text, SignatureScheme::StandardWebhooksEd25519),
            Err(SecretError::PublicKey),
            "{text}"
        );
        assert_eq!(
            read(text, SignatureScheme::Discord),
            Err(SecretError::HexPublicKey),
            "{text}"
        );
    }
}

#[test]
fn any_other_secret_is_its_text() {
    let long = "x".repeat(513);
    for (text, expected) in [
        ("whsec_stripe", Ok("whsec_stripe")),
        ("\t 12345678 \r\n", Ok("12345678")),
        ("pässwörd", Ok("pässwörd")),
        (&long[1..], Ok(&long[1..])),
        ("1234567", Err(SecretError::Length)),
        (&long, Err(SecretError::Length)),
        ("two\nlines", Err(SecretError::Characters)),
    ] {
        let expected = expected.map(|text| text.as_bytes().to_vec());
        assert_eq!(read(text, SignatureScheme::Stripe), expected, "{text}");
    }
    assert_eq!(
        read("user:pass word", SignatureScheme::Basic),
        Ok(b"user:pass word".to_vec())
    );
    assert_eq!(
        read("userpassword", SignatureScheme::Basic),
        Err(SecretError::UserAndPassword)
    );
}
