//! Checks PEM text before a parser sees it, and names the fault in fixed words. Parsers of PEM quote their input in their
//! errors, and the input may be a private key.

use std::borrow::Cow;

use thiserror::Error;

use hookgate_domain::text::{TextError, read_text_bytes};

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
/// Tag of an ASN.1 sequence, with which every certificate, key and PKCS #12 file in DER begins.
const DER_SEQUENCE: u8 = 0x30;
/// Header of a traditional OpenSSL key that is encrypted (RFC 1421).
const ENCRYPTED_HEADER: &[u8] = b"Proc-Type: 4,ENCRYPTED";

/// Content that a PEM file is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PemKind {
    /// One or more certificates.
    Certificates,
    /// An unencrypted private key.
    PrivateKey,
}

/// Faults of a PEM file. The texts continue a sentence that begins with the file's name, and never quote its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PemFault {
    /// No bytes but blanks.
    #[error("is empty")]
    Empty,
    /// UTF-16, as some editors and shells write.
    #[error("is UTF-16 text: save it as UTF-8 or ASCII")]
    Utf16,
    /// DER or PKCS #12.
    #[error(
        "is binary (DER or PKCS #12), not PEM: convert it with `openssl x509`, `openssl pkey` or `openssl pkcs12`"
    )]
    Binary,
    /// The markers and the text between them share a line.
    #[error("is one line: a PEM file needs its line breaks")]
    OneLine,
    /// Line breaks are written as a backslash and a letter.
    #[error("has \\n written out instead of line breaks: a PEM file needs its line breaks")]
    WrittenBreaks,
    /// An END and the next BEGIN share a line, so that the second block would be skipped.
    #[error("has an END and a BEGIN marker in one line: a line break is missing between two blocks")]
    Joined,
    /// Blanks before a marker.
    #[error("is indented: each line of a PEM file begins at its first column")]
    Indented,
    /// A BEGIN without its END.
    #[error("has a BEGIN marker without its END marker: is it cut off?")]
    NoEnd,
    /// An END without its BEGIN.
    #[error("has an END marker without its BEGIN marker: is its beginning missing?")]
    NoBegin,
    /// The text between the markers can't be decoded.
    #[error("has a block that is not base64: is it damaged?")]
    NotBase64,
    /// An encrypted key.
    #[error(
        "is an encrypted key: decrypt it with `openssl pkey -in OLD -out NEW`, because no passphrase can be entered"
    )]
    Encrypted,
    /// An OpenSSH key.
    #[error("is an OpenSSH key: TLS needs PKCS#8, SEC1 or PKCS#1 in PEM")]
    OpenSsh,
    /// A public key where the private one belongs.
    #[error("is a public key: the private key belongs here")]
    PublicKey,
    /// A certificate where the key belongs.
    #[error("has a certificate and no private key: were the two files exchanged?")]
    CertificateInstead,
    /// A key where certificates belong.
    #[error("has a private key and no certificate: were the two files exchanged?")]
    KeyInstead,
    /// A signing request where a certificate belongs.
    #[error("is a signing request (CSR): the certificate that the CA made of it belongs here")]
    Request,
    /// No block of the kind that is wanted.
    #[error("has no CERTIFICATE block")]
    NoCertificate,
    /// The same for a key.
    #[error("has no PRIVATE KEY block")]
    NoKey,
}

/// Checks the form of the text and the labels of its blocks, and returns the text without byte-order marks. A decoder
/// reads the text between the markers; its own error has to be replaced by [`PemFault::NotBase64`].
///
/// # Errors
///
/// [`PemFault`].
///
/// ```
/// use hookgate_pem::{PemFault, PemKind, check_pem};
///
/// let one_line = b"-----BEGIN PRIVATE KEY-----MC4CAQ-----END PRIVATE KEY-----";
/// assert_eq!(check_pem(one_line, PemKind::PrivateKey), Err(PemFault::OneLine));
/// ```
pub fn check_pem(bytes: &[u8], wanted: PemKind) -> Result<Cow<'_, [u8]>, PemFault> {
    let text = read_text_bytes(bytes).map_err(|error| match error {
        TextError::Utf16 => PemFault::Utf16,
        TextError::Nul | TextError::NotUtf8 | TextError::Lines => PemFault::Binary,
    })?;
    if text.trim_ascii().is_empty() {
        return Err(PemFault::Empty);
    }
    if text[0] == DER_SEQUENCE && !has(&text, BEGIN) {
        return Err(PemFault::Binary);
    }
    let blocks = Blocks::read(&text)?;
    match wanted {
        PemKind::Certificates => blocks.check_certificates()?,
        PemKind::PrivateKey => blocks.check_key()?,
    }
    Ok(text)
}

/// Labels of the blocks of a well-formed file.
#[derive(Default)]
struct Blocks<'a> {
    labels: Vec<&'a [u8]>,
    is_encrypted: bool,
}

impl<'a> Blocks<'a> {
    fn read(text: &'a [u8]) -> Result<Self, PemFault> {
        let mut blocks = Self::default();
        let mut open: Option<&[u8]> = None;
        for line in text.split(|byte| matches!(byte, b'\n' | b'\r')) {
            match Marker::of(line)? {
                Some(Marker::Begin(_)) if open.is_some() => return Err(PemFault::NoEnd),
                Some(Marker::Begin(label)) => open = Some(label),
                Some(Marker::End(label)) => match open.take() {
                    Some(begun) if begun == label => blocks.labels.push(label),
                    Some(_) => return Err(PemFault::NoEnd),
                    None => return Err(PemFault::NoBegin),
                },
                None => blocks.is_encrypted |= line.starts_with(ENCRYPTED_HEADER),
            }
        }
        if open.is_some() {
            return Err(PemFault::NoEnd);
        }
        Ok(blocks)
    }

    fn check_certificates(&self) -> Result<(), PemFault> {
        if self.has_label(|label| label == b"CERTIFICATE") {
            Ok(())
        } else if self.has_label(|label| label.ends_with(b"CERTIFICATE REQUEST")) {
            Err(PemFault::Request)
        } else if self.has_label(|label| label.ends_with(b"PRIVATE KEY")) {
            Err(PemFault::KeyInstead)
        } else {
            Err(PemFault::NoCertificate)
        }
    }

    fn check_key(&self) -> Result<(), PemFault> {
        let keys: [&[u8]; 3] = [b"PRIVATE KEY", b"RSA PRIVATE KEY", b"EC PRIVATE KEY"];
        if self.is_encrypted || self.has_label(|label| label == b"ENCRYPTED PRIVATE KEY") {
            Err(PemFault::Encrypted)
        } else if self.has_label(|label| keys.contains(&label)) {
            Ok(())
        } else if self.has_label(|label| label == b"OPENSSH PRIVATE KEY") {
            Err(PemFault::OpenSsh)
        } else if self.has_label(|label| label.ends_with(b"PUBLIC KEY")) {
            Err(PemFault::PublicKey)
        } else if self.has_label(|label| label == b"CERTIFICATE") {
            Err(PemFault::CertificateInstead)
        } else {
            Err(PemFault::NoKey)
        }
    }

    fn has_label(&self, is_it: impl Fn(&[u8]) -> bool) -> bool {
        self.labels.iter().any(|label| is_it(label))
    }
}

/// A line that opens or closes a block.
enum Marker<'a> {
    Begin(&'a [u8]),
    End(&'a [u8]),
}

impl<'a> Marker<'a> {
    fn of(line: &'a [u8]) -> Result<Option<Self>, PemFault> {
        if !has(line, BEGIN) && !has(line, END) {
            return Ok(None);
        }
        if line.starts_with(END) && has(line, BEGIN) {
            return Err(PemFault::Joined);
        }
        if let Some(label) = line.strip_prefix(BEGIN) {
            return label_alone(label).map(|label| Some(Self::Begin(label)));
        }
        if let Some(label) = line.strip_prefix(END) {
            return label_alone(label).map(|label| Some(Self::End(label)));
        }
        let trimmed = line.trim_ascii_start();
        if trimmed.starts_with(BEGIN) || trimmed.starts_with(END) {
            return Err(PemFault::Indented);
        }
        Err(crowded(line))
    }
}

/// The label of a marker that has its line for itself.
fn label_alone(rest: &[u8]) -> Result<&[u8], PemFault> {
    let end = position(rest, DASHES).ok_or(PemFault::NoEnd)?;
    let (label, behind) = (&rest[..end], &rest[end + DASHES.len()..]);
    if behind.trim_ascii().is_empty() {
        Ok(label)
    } else {
        Err(crowded(rest))
    }
}

/// The fault of a line that holds more than its marker.
fn crowded(line: &[u8]) -> PemFault {
    if has(line, b"\\n") || has(line, b"\\r") {
        PemFault::WrittenBreaks
    } else {
        PemFault::OneLine
    }
}

fn has(text: &[u8], part: &[u8]) -> bool {
    position(text, part).is_some()
}

fn position(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAB\nAgMEBQYHCAkKCwwNDg8Q\n-----END PRIVATE KEY-----\n";
    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIBAA==\n-----END CERTIFICATE-----\n";

    fn key(text: &str) -> Option<PemFault> {
        check_pem(text.as_bytes(), PemKind::PrivateKey).err()
    }

    fn certificates(text: &str) -> Option<PemFault> {
        check_pem(text.as_bytes(), PemKind::Certificates).err()
    }

    #[test]
    fn what_is_whole_passes_however_its_lines_end() {
        for text in [
            KEY.to_owned(),
            KEY.replace('\n', "\r\n"),
            KEY.replace('\n', "\r"),
            KEY.trim_end().to_owned(),
            format!("\u{FEFF}{KEY}"),
            format!("Bag Attributes\n  friendlyName: x\n{KEY}"),
            format!("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{KEY}"),
            KEY.replace("PRIVATE KEY-----", "PRIVATE KEY-----  "),
        ] {
            assert_eq!(key(&text), None, "{text}");
        }
        assert_eq!(certificates(&format!("{CERTIFICATE}{CERTIFICATE}{KEY}")), None);
    }

    #[test]
    fn lost_line_breaks_have_their_own_words() {
        for (text, fault) in [
            (KEY.replace('\n', ""), PemFault::OneLine),
            (KEY.replace('\n', " "), PemFault::OneLine),
            (KEY.replace('\n', "\\n"), PemFault::WrittenBreaks),
            (KEY.replacen('\n', "", 1), PemFault::OneLine),
            (KEY.replace("\n-----END", "-----END"), PemFault::OneLine),
            (format!("{KEY}{CERTIFICATE}").replace('\n', ""), PemFault::OneLine),
            (format!("{}{CERTIFICATE}", KEY.trim_end()), PemFault::Joined),
            (
                KEY.replace('\n', "\n  ").replacen("---", "  ---", 1),
                PemFault::Indented,
            ),
        ] {
            assert_eq!(key(&text), Some(fault), "{text}");
            assert_eq!(certificates(&text), Some(fault), "{text}");
        }
    }

    #[test]
    fn each_mistake_has_its_own_words() {
        let labelled = |label: &str| KEY.replace("PRIVATE KEY", label);
        for (text, fault) in [
            (String::new(), PemFault::Empty),
            ("\u{FEFF} \n".to_owned(), PemFault::Empty),
            ("no PEM".to_owned(), PemFault::NoKey),
            (KEY.replace("-----END PRIVATE KEY-----", ""), PemFault::NoEnd),
            (
                KEY.replace("-----END PRIVATE KEY-----", "-----END"),
                PemFault::NoEnd,
            ),
            (KEY.replace("-----BEGIN PRIVATE KEY-----", ""), PemFault::NoBegin),
            (KEY.replace("END PRIVATE KEY", "END CERTIFICATE"), PemFault::NoEnd),
            (labelled("ENCRYPTED PRIVATE KEY"), PemFault::Encrypted),
            (
                labelled("RSA PRIVATE KEY").replacen('\n', "\nProc-Type: 4,ENCRYPTED\n", 1),
                PemFault::Encrypted,
            ),
            (labelled("OPENSSH PRIVATE KEY"), PemFault::OpenSsh),
            (labelled("PUBLIC KEY"), PemFault::PublicKey),
            (CERTIFICATE.to_owned(), PemFault::CertificateInstead),
        ] {
            assert_eq!(key(&text), Some(fault), "{text}");
        }
        for (text, fault) in [
            (KEY.to_owned(), PemFault::KeyInstead),
            (labelled("CERTIFICATE REQUEST"), PemFault::Request),
            (labelled("PKCS7"), PemFault::NoCertificate),
            ("no PEM".to_owned(), PemFault::NoCertificate),
        ] {
            assert_eq!(certificates(&text), Some(fault), "{text}");
        }
        for (bytes, fault) in [
            (&[0x30, 0x82, 1, 2][..], PemFault::Binary),
            (&[b'-', 0, b'-', 0], PemFault::Binary),
            (&[0xFF, 0xFE, b'-', 0], PemFault::Utf16),
        ] {
            assert_eq!(check_pem(bytes, PemKind::PrivateKey), Err(fault));
        }
    }
}
