//! The certificate of `hookgate dev`: a CA for this machine only, and a short-lived certificate for localhost issued by it.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};

use hookgate_pem::{PemFault, PemKind, check_pem};
use hookgate_storage::{DEV_CA_KEY, DEV_GATE_KEY, replace_private_file};

use crate::failure::Failure;

/// Validity of the certificate in days; browsers and scanners prefer short ones.
const LEAF_DAYS: i64 = 60;
/// Validity of the CA in days.
const CA_DAYS: i64 = 5 * 365;
/// The names and addresses of the certificate. The CA can sign no others, because browsers trust it: a stolen CA key must
/// not be able to impersonate any site.
const NAME: &str = "localhost";
const ADDRESSES: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
/// Tolerance for clocks that are slow, in hours.
const SKEW_HOURS: i64 = 24;

/// The files of a data directory in dev mode.
pub(crate) struct DevCertificate {
    /// The CA certificate that senders must trust.
    pub(crate) ca: PathBuf,
    /// The certificate chain of the gate.
    pub(crate) chain: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
}

/// Creates the missing files: the CA once, the certificate at every start.
pub(crate) fn ensure(directory: &Path) -> Result<DevCertificate, Failure> {
    let files = DevCertificate {
        ca: directory.join("ca.pem"),
        chain: directory.join("gate.pem"),
        key: directory.join(DEV_GATE_KEY),
    };
    let ca_key_file = directory.join(DEV_CA_KEY);
    refuse_half(&files.ca, &ca_key_file)?;
    let make = || -> Result<(), Box<dyn std::error::Error>> {
        if !files.ca.exists() {
            let key = KeyPair::generate()?;
            write_public(&files.ca, ca_params()?.self_signed(&key)?.pem().as_bytes())?;
            replace_private_file(&ca_key_file, key.serialize_pem().as_bytes())?;
        }
        // The parameters give the name of the issuer; the certificate in the file was created from the same ones.
        let ca_key = read_ca_key(&ca_key_file)?;
        let issuer = Issuer::new(ca_params()?, ca_key);
        let key = KeyPair::generate()?;
        let leaf = leaf_params()?.signed_by(&key, &issuer)?;
        write_public(&files.chain, leaf.pem().as_bytes())?;
        replace_private_file(&files.key, key.serialize_pem().as_bytes())?;
        Ok(())
    };
    make().map_err(|error| {
        Failure::failed(format!(
            "can't make a certificate in {}: {error}",
            directory.display()
        ))
    })?;
    Ok(files)
}

/// Refuses a CA without its key, and a key without its CA: senders would not trust a new one.
fn refuse_half(ca: &Path, key: &Path) -> Result<(), Failure> {
    let (missing, other) = match (ca.exists(), key.exists()) {
        (true, false) => (key, ca),
        (false, true) => (ca, key),
        (true, true) | (false, false) => return Ok(()),
    };
    Err(Failure::failed(format!(
        "{} is missing, and {} is there: put it back. To start with a new CA, which every sender has to trust anew, move {} \
         away too",
        missing.display(),
        other.display(),
        other.display()
    )))
}

fn ca_params() -> Result<CertificateParams, Box<dyn std::error::Error>> {
    let mut params = CertificateParams::new(Vec::new())?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Hookgate dev CA of this machine");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let addresses = ADDRESSES.map(|address| {
        let all_bits = if address.is_ipv4() { 32 } else { 128 };
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, all_bits))
    });
    let permitted_subtrees = [GeneralSubtree::DnsName(NAME.to_owned())]
        .into_iter()
        .chain(addresses)
        .collect();
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees,
        excluded_subtrees: Vec::new(),
    });
    valid_for(&mut params, CA_DAYS)?;
    Ok(params)
}

fn leaf_params() -> Result<CertificateParams, Box<dyn std::error::Error>> {
    let mut params = CertificateParams::new(vec![NAME.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, NAME);
    params.subject_alt_names.extend(ADDRESSES.map(SanType::IpAddress));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    valid_for(&mut params, LEAF_DAYS)?;
    Ok(params)
}

fn valid_for(params: &mut CertificateParams, days: i64) -> Result<(), Box<dyn std::error::Error>> {
    let now = Timestamp::now();
    let day = |timestamp: Timestamp| {
        let date = jiff::tz::TimeZone::UTC.to_datetime(timestamp).date();
        rcgen::date_time_ymd(
            date.year().into(),
            date.month().unsigned_abs(),
            date.day().unsigned_abs(),
        )
    };
    params.not_before = day(now.checked_sub(SKEW_HOURS.hours())?);
    params.not_after = day(now.checked_add((days * 24).hours())?);
    Ok(())
}

/// Writes a certificate that everybody may read and only the owner may change.
fn write_public(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o644)
        .open(path)?;
    file.write_all(content)
}

/// Reads the key of the CA. The parser's error is dropped, because it would quote the key.
fn read_ca_key(file: &Path) -> Result<KeyPair, Box<dyn std::error::Error>> {
    let bytes = std::fs::read(file)?;
    let fault = |fault: PemFault| format!("{} {fault}", file.display());
    let text = check_pem(&bytes, PemKind::PrivateKey).map_err(fault)?;
    let text = std::str::from_utf8(&text).map_err(|_| fault(PemFault::NotBase64))?;
    Ok(KeyPair::from_pem(text).map_err(|_| fault(PemFault::NotBase64))?)
}

#[cfg(test)]
mod tests {
    use base64::Engine;

    use super::*;

    /// Clients enforce it; the tests of the running server show that localhost passes.
    #[test]
    fn the_ca_can_sign_for_this_machine_alone() {
        let directory = tempfile::tempdir().unwrap();
        let files = ensure(directory.path()).unwrap();
        let pem = std::fs::read_to_string(files.ca).unwrap();
        let lines: String = pem.lines().filter(|line| !line.starts_with("---")).collect();
        let der = base64::prelude::BASE64_STANDARD.decode(lines).unwrap();
        let holds = |bytes: &[u8]| der.windows(bytes.len()).any(|window| window == bytes);
        // Name constraints (RFC 5280, section 4.2.1.10), critical; then the permitted subtrees.
        assert!(holds(&[6, 3, 0x55, 0x1d, 0x1e, 1, 1, 0xff]));
        assert!(holds(b"localhost"));
        assert!(holds(&[127, 0, 0, 1, 255, 255, 255, 255]));
        assert!(holds(&[&[0; 15][..], &[1], &[255; 16]].concat()));
    }

    #[test]
    fn a_ca_without_its_other_half_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        ensure(directory.path()).unwrap();
        for half in ["ca.key", "ca.pem"].map(|half| directory.path().join(half)) {
            let kept = std::fs::read(&half).unwrap();
            std::fs::remove_file(&half).unwrap();
            let failure = ensure(directory.path()).err().unwrap();
            assert!(
                failure.message().contains(half.to_str().unwrap()),
                "{}",
                failure.message()
            );
            assert!(!half.exists());
            std::fs::write(&half, kept).unwrap();
        }
        ensure(directory.path()).unwrap();
    }
}
