use proptest::prelude::*;

use super::*;

const INCLUDED: Tax = Tax {
    included: true,
    basis_points: 1900,
};
const ON_TOP: Tax = Tax {
    included: false,
    basis_points: 1900,
};

fn item(unit_price: i64, quantity: i64) -> Item {
    Item {
        unit_price,
        quantity,
    }
}

#[test]
fn included_tax_is_a_part_of_the_price() {
    let price = price(&[item(1999, 2)], None, |_| 490, INCLUDED).unwrap();
    assert_eq!(price.subtotal, 3998);
    assert_eq!(price.lines[0].tax, 638); // 3998 × 19 / 119 = 638.33…
    assert_eq!(price.shipping_tax, 78); // 490 × 19 / 119 = 78.23…
    assert_eq!(price.tax, 716);
    assert_eq!(price.total, 4488);
}

#[test]
fn added_tax_comes_on_top() {
    let price = price(&[item(1000, 1)], None, |_| 500, ON_TOP).unwrap();
    assert_eq!((price.tax, price.total), (190 + 95, 1785));
}

#[test]
fn half_a_cent_is_rounded_up() {
    let five_percent = Tax {
        included: false,
        basis_points: 500,
    };
    assert_eq!(five_percent.of(10), 1);
    assert_eq!(five_percent.of(9), 0);
    assert_eq!(Reduction::Percent(1000).amount_off(5), 1);
    assert_eq!(Reduction::Percent(1000).amount_off(4), 0);
}

#[test]
fn a_discount_never_makes_goods_cheaper_than_free() {
    assert_eq!(Reduction::Amount(500).amount_off(300), 300);
    let items = [item(100, 1), item(200, 1)];
    let price = price(&items, Some(Reduction::Amount(9999)), |left| left, INCLUDED).unwrap();
    assert_eq!((price.total, price.tax), (0, 0));
}

#[test]
fn odd_cents_are_shared_out() {
    assert_eq!(allocate(100, &[1, 1, 1]), [33, 33, 34]);
    assert_eq!(allocate(1, &[500, 500]), [0, 1]);
    assert_eq!(allocate(0, &[0, 0]), [0, 0]);
    assert_eq!(allocate(7, &[]), [0_i64; 0]);
}

#[test]
fn sums_that_are_too_large_are_refused() {
    assert_eq!(price(&[item(i64::MAX, 2)], None, |_| 0, INCLUDED), None);
    let items = [item(MAX_TOTAL, 1), item(1, 1)];
    assert_eq!(price(&items, None, |_| 0, INCLUDED), None);
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let line = (0_i64..10_000_000, 1_i64..10_000).prop_map(|(price, count)| item(price, count));
    prop::collection::vec(line, 0..12)
}

fn reduction() -> impl Strategy<Value = Option<Reduction>> {
    prop::option::of(prop_oneof![
        (0_i64..=10_000).prop_map(Reduction::Percent),
        (0_i64..1_000_000_000).prop_map(Reduction::Amount),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_parts_add_up(
        items in items(),
        reduction in reduction(),
        shipping in 0_i64..100_000,
        included in any::<bool>(),
        basis_points in 0_i64..=3_000,
    ) {
        let tax = Tax { included, basis_points };
        let price = price(&items, reduction, |_| shipping, tax).unwrap();
        let sum = |part: fn(&LinePrice) -> i64| price.lines.iter().map(part).sum::<i64>();
        prop_assert_eq!(sum(|l| l.subtotal), price.subtotal);
        prop_assert_eq!(sum(|l| l.discount), price.discount);
        prop_assert_eq!(sum(|l| l.tax) + price.shipping_tax, price.tax);
        let on_top = if included { 0 } else { price.tax };
        prop_assert_eq!(price.total, price.subtotal - price.discount + shipping + on_top);
        for line in &price.lines {
            prop_assert!((0..=line.subtotal).contains(&line.discount));
            prop_assert!(line.tax >= 0 && line.total >= 0);
            let net = line.total - line.tax;
            // Tax is right to half a cent.
            let off = (net * basis_points - line.tax * 10_000).abs();
            prop_assert!(off <= 10_000, "{line:?} is off by {off}");
        }
    }

    #[test]
    fn shares_are_exact_and_fair(
        weights in prop::collection::vec(0_i64..1_000_000_000, 1..20),
        part in 0_i64..=1_000,
    ) {
        let sum: i64 = weights.iter().sum();
        let amount = sum / 1_000 * part;
        let shares = allocate(amount, &weights);
        prop_assert_eq!(shares.iter().sum::<i64>(), if sum == 0 { 0 } else { amount });
        for (share, weight) in shares.iter().zip(&weights) {
            prop_assert!((0..=*weight).contains(share));
            let exact = i128::from(*weight) * i128::from(amount);
            let off = i128::from(*share) * i128::from(sum) - exact;
            prop_assert!(off.abs() <= i128::from(sum), "a cent at most");
        }
    }
}
