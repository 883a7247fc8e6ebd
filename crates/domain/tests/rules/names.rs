//! Public names: each number has one text, and text order is number order.

use hookgate_domain::names::NameError;
use hookgate_domain::webhook::UnknownSenderFormat;
use hookgate_domain::{DeliveryId, IncidentNumber, OrganizationId, SenderFormat, Timestamp, WebhookHandle};
use proptest::prelude::*;

use crate::support::NOW;

proptest! {
    #[test]
    fn handles_read_back(micros: i64, random: [u8; 10]) {
        let handle = WebhookHandle::new(Timestamp::from_micros(micros), random);
        prop_assert_eq!(handle.to_string().len(), 29);
        prop_assert_eq!(handle.to_string().parse(), Ok(handle));
    }

    /// RFC 9562, section 5.7: 48 bits of milliseconds, version 7, variant 10, and random bits in all other places.
    #[test]
    fn a_handle_has_every_field_of_its_uuid(millis in 0_i64..1 << 48, random: [u8; 10]) {
        let handle = WebhookHandle::new(Timestamp::from_micros(millis * 1_000), random);
        let digits = b"0123456789abcdefghjkmnpqrstvwxyz";
        let number = handle.to_string().bytes().skip(3).fold(0_u128, |number, byte| {
            let value = digits.iter().position(|digit| *digit == byte).expect("a digit");
            number << 5 | value as u128
        });
        let [.., a, b, c, d, e, f, g, h, i, j] = number.to_be_bytes();
        prop_assert_eq!(number >> 80, u128::from(millis.unsigned_abs()));
        prop_assert_eq!((a >> 4, c >> 6), (7, 0b10));
        prop_assert_eq!([a & 0x0F, b, c & 0x3F], [random[0] & 0x0F, random[1], random[2] & 0x3F]);
        prop_assert_eq!(&[d, e, f, g, h, i, j], &random[3..]);
    }

    #[test]
    fn handles_sort_by_time(first in 0_i64..1 << 52, later in 1_000_i64..1 << 52, random: [[u8; 10]; 2]) {
        let second = WebhookHandle::new(Timestamp::from_micros(first + later), random[1]);
        let first = WebhookHandle::new(Timestamp::from_micros(first), random[0]);
        prop_assert!(first < second && first.to_string() < second.to_string());
    }

    #[test]
    fn delivery_ids_read_back_and_sort_by_number(first in 1..=i64::MAX, second in 1..=i64::MAX) {
        let ids = [first, second].map(|number| DeliveryId::from_number(number).expect("a positive number"));
        let texts = ids.map(|id| id.to_string());
        prop_assert_eq!([texts[0].parse(), texts[1].parse()], ids.map(Ok));
        prop_assert_eq!(texts[0].cmp(&texts[1]), first.cmp(&second));
        prop_assert_eq!(ids[0].cmp(&ids[1]), first.cmp(&second));
        prop_assert_eq!(ids[0].number(), first);
    }

    #[test]
    fn incident_numbers_read_back(number in 1..=i64::MAX) {
        let name = IncidentNumber::new(number).expect("a positive number");
        prop_assert_eq!(name.to_string(), format!("INC-{number}"));
        prop_assert_eq!(name.to_string().parse(), Ok(name));
        prop_assert_eq!(name.get(), number);
    }

    #[test]
    fn what_is_read_is_written_the_same(text in "(hk_|dlv_|INC-)[0-9a-zA-Z]{0,27}") {
        if let Ok(name) = text.parse::<WebhookHandle>() {
            prop_assert_eq!(name.to_string(), text.as_str());
        }
        if let Ok(name) = text.parse::<DeliveryId>() {
            prop_assert_eq!(name.to_string(), text.as_str());
        }
        if let Ok(name) = text.parse::<IncidentNumber>() {
            prop_assert_eq!(name.to_string(), text.as_str());
        }
    }
}

#[test]
fn a_handle_is_a_uuid_of_version_7() {
    // The example of RFC 9562, appendix A.6: 017f22e2-79b0-7cc3-98c4-dc0c0c07398f.
    let handle = WebhookHandle::new(
        Timestamp::from_micros(1_645_557_742_000_000),
        [0x0C, 0xC3, 0x18, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F],
    );
    let number = 0x017F_22E2_79B0_7CC3_98C4_DC0C_0C07_398F_u128;
    let digits: String = (0..26)
        .rev()
        .map(|place| char::from(b"0123456789abcdefghjkmnpqrstvwxyz"[(number >> (5 * place) & 31) as usize]))
        .collect();
    assert_eq!(handle.to_string(), format!("hk_{digits}"));
    let before_1970 = WebhookHandle::new(Timestamp::from_micros(-1), [0; 10]);
    assert_eq!(
        before_1970,
        WebhookHandle::new(Timestamp::from_micros(0), [0; 10])
    );
}

#[test]
fn what_is_no_name_is_refused() {
    let handle = WebhookHandle::new(NOW, [1; 10]).to_string();
    let handles = [
        "",
        "hk_",
        &handle[3..],
        &handle[..28],
        &handle.to_uppercase(),
        &format!("{handle}0"),
        &format!(" {handle}"),
        "hk_80000000000000000000000000",
        "hk_0000000000000000000000000u",
        "hk_000000000000000000000000é",
    ];
    for text in handles {
        assert_eq!(text.parse::<WebhookHandle>(), Err(NameError::Handle), "{text}");
    }
    assert!("hk_7zzzzzzzzzzzzzzzzzzzzzzzzz".parse::<WebhookHandle>().is_ok());
    let deliveries = [
        "",
        "dlv_",
        "dlv_0000000000000",
        "dlv_8000000000000",
        "dlv_zzzzzzzzzzzzz",
        "dlv_000000000001A",
        "dlv_1",
    ];
    for text in deliveries {
        assert_eq!(text.parse::<DeliveryId>(), Err(NameError::Delivery), "{text}");
    }
    assert_eq!(
        "dlv_7zzzzzzzzzzzz".parse::<DeliveryId>().map(DeliveryId::number),
        Ok(i64::MAX)
    );
    for text in [
        "",
        "INC-",
        "INC-0",
        "INC-01",
        "INC-+1",
        "INC--1",
        "inc-1",
        "INC-1 ",
        "INC-١",
        "INC-9223372036854775808",
    ] {
        assert_eq!(text.parse::<IncidentNumber>(), Err(NameError::Incident), "{text}");
    }
}

#[test]
fn numbers_begin_at_one() {
    for number in [0, -1, i64::MIN] {
        assert_eq!(DeliveryId::from_number(number), None);
        assert_eq!(IncidentNumber::new(number), None);
        assert_eq!(OrganizationId::new(number), None);
    }
    assert_eq!(OrganizationId::new(7).map(OrganizationId::get), Some(7));
}

#[test]
fn names_line_up_in_tables() {
    let (delivery, incident) = (
        DeliveryId::from_number(1).unwrap(),
        IncidentNumber::new(7).unwrap(),
    );
    assert_eq!(
        format!("[{incident:>6}][{delivery:<18}]"),
        "[ INC-7][dlv_0000000000001 ]"
    );
}

#[test]
fn a_sender_format_has_one_spelling() {
    for format in SenderFormat::ALL {
        assert_eq!(format.to_string().parse(), Ok(*format));
    }
    for text in ["", "Custom", "custom ", "graphite"] {
        assert_eq!(text.parse::<SenderFormat>(), Err(UnknownSenderFormat), "{text}");
    }
}
