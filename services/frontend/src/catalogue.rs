//! Products as pages show them: pictures, prices, stock.

use techcommerce_contracts::{
    images::Image,
    product_api::{InventoryPolicy, Product, Variant},
};
use techcommerce_kernel::{Money, Uuid};

use crate::{i18n::Texts, money};

/// Up to this many, the page says how few are left.
const FEW: i64 = 5;

/// A picture of the shop's own. One that an import has not fetched yet is none.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Names it.
    pub id: Uuid,
    /// What it shows; empty if the text beside it says so.
    pub alt: String,
    /// Width in pixels of the largest size.
    pub width: u32,
    /// Height in pixels of the largest size.
    pub height: u32,
}

impl Picture {
    /// The picture, if the shop has it.
    pub fn of(image: &Image) -> Option<Self> {
        // Without its measures the page would jump when it arrives; a square is a fair guess.
        let known = image.width > 0 && image.height > 0;
        let (width, height) = if known {
            (image.width, image.height)
        } else {
            (1280, 1280)
        };
        Some(Self {
            id: image.id?,
            alt: image.alt.clone(),
            width,
            height,
        })
    }

    /// The address of the size that is `width` pixels wide.
    pub fn at(&self, width: u32) -> String {
        Image::url_of(self.id, width)
    }
}

/// A price as it is written.
#[derive(Debug, Clone)]
pub struct Price {
    /// What it costs now.
    pub now: String,
    /// What it cost before, if it is on sale.
    pub was: Option<String>,
}

impl Price {
    /// The price of one variant.
    pub fn of(variant: &Variant, texts: &Texts) -> Self {
        let write = |money| money::format(money, texts.language());
        Self {
            now: write(variant.price),
            was: reduced_from(variant).map(write),
        }
    }

    /// The price of a product: of its cheapest variant, with "from" if they differ.
    fn from(product: &Product, texts: &Texts) -> Self {
        let Some(cheapest) = product.variants.iter().min_by_key(|v| v.price.amount) else {
            return Self {
                now: String::new(),
                was: None,
            };
        };
        let mut price = Self::of(cheapest, texts);
        if product.variants.iter().any(|v| v.price != cheapest.price) {
            price.now = texts.with("product.from", &price.now);
        }
        price
    }
}

/// What the variant cost before, if that was more.
fn reduced_from(variant: &Variant) -> Option<Money> {
    variant
        .compare_at_price
        .filter(|before| before.amount > variant.price.amount)
}

/// A product in a list.
#[derive(Debug, Clone)]
pub struct Card {
    /// The product's page.
    pub href: String,
    /// As it is called.
    pub title: String,
    /// Its first picture.
    pub picture: Option<Picture>,
    /// What it costs.
    pub price: Price,
    /// Whether no variant can be bought.
    pub sold_out: bool,
    /// Whether a variant costs less than before.
    pub on_sale: bool,
}

impl Card {
    /// The card of a product.
    pub fn of(product: &Product, texts: &Texts) -> Self {
        Self {
            href: format!("/products/{}", product.handle),
            title: product.title.clone(),
            picture: product.images.iter().find_map(Picture::of),
            price: Price::from(product, texts),
            sold_out: !product.variants.iter().any(|v| v.can_sell(1)),
            on_sale: product.variants.iter().any(|v| reduced_from(v).is_some()),
        }
    }
}

/// Whether a variant can be bought, in words.
#[derive(Debug, Clone)]
pub struct Stock {
    /// `in`, `low`, `made` or `out`, for the stylesheet.
    pub class: &'static str,
    /// For the shopper.
    pub text: String,
}

impl Stock {
    /// The stock of a variant.
    pub fn of(variant: &Variant, texts: &Texts) -> Self {
        let say = |class, key| Self {
            class,
            text: texts.get(key).to_owned(),
        };
        match variant.available {
            None => say("in", "product.in_stock"),
            Some(count) if count > FEW => say("in", "product.in_stock"),
            Some(count) if count > 0 => Self {
                class: "low",
                text: texts.count("product.left", count),
            },
            Some(_) if variant.inventory_policy == InventoryPolicy::Continue => {
                say("made", "product.made_to_order")
            }
            Some(_) => say("out", "product.sold_out"),
        }
    }
}

/// The text of cleaned HTML, cut at a word at about `length` characters.
pub fn plain_text(html: &str, length: usize) -> String {
    let mut text = String::with_capacity(length * 2);
    let mut within_tag = false;
    for c in html.chars() {
        match c {
            '<' => within_tag = true,
            '>' if within_tag => {
                within_tag = false;
                text.push(' ');
            }
            c if !within_tag => text.push(c),
            _ => {}
        }
    }
    let entities = [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&amp;", "&"),
    ];
    for (entity, character) in entities {
        text = text.replace(entity, character);
    }
    let mut cut = String::new();
    for word in text.split_whitespace() {
        if cut.chars().count() + word.chars().count() > length {
            if !cut.ends_with(['.', '!', '?']) {
                cut.push('…');
            }
            break;
        }
        if !cut.is_empty() && !word.starts_with(['.', ',', ';', ':']) {
            cut.push(' ');
        }
        cut.push_str(word);
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Languages;

    fn variant(price: i64, before: Option<i64>, available: Option<i64>) -> Variant {
        serde_json::from_value(serde_json::json!({
            "id": "0193a1b2-0000-7000-8000-000000000001", "sku": null, "title": "", "options": [],
            "price": {"amount": price, "currency": "EUR"},
            "compare_at_price": before.map(|a| serde_json::json!({"amount": a, "currency": "EUR"})),
            "available": available, "track_inventory": available.is_some(),
            "inventory_policy": "deny",
        }))
        .unwrap()
    }

    #[test]
    fn stock_is_said_as_it_is() {
        let languages = Languages::new(&[]).unwrap();
        let en = languages.find("en").unwrap();
        let said = |v: &Variant| Stock::of(v, en).text;
        assert_eq!(said(&variant(1, None, None)), "In stock");
        assert_eq!(said(&variant(1, None, Some(6))), "In stock");
        assert_eq!(said(&variant(1, None, Some(3))), "Only 3 left");
        assert_eq!(said(&variant(1, None, Some(0))), "Sold out");
        assert_eq!(said(&variant(1, None, Some(-2))), "Sold out");
        let mut made = variant(1, None, Some(0));
        made.inventory_policy = InventoryPolicy::Continue;
        assert_eq!(said(&made), "Made to order");
    }

    #[test]
    fn only_a_higher_price_before_is_a_sale() {
        let languages = Languages::new(&[]).unwrap();
        let de = languages.find("de").unwrap();
        assert_eq!(
            Price::of(&variant(100, Some(150), None), de).was.as_deref(),
            Some("1,50\u{a0}€")
        );
        assert_eq!(Price::of(&variant(100, Some(100), None), de).was, None);
    }

    #[test]
    fn a_description_becomes_plain_text() {
        let html = "<p>Oak &amp; ash<strong>.</strong></p><p>Made by hand</p>";
        assert_eq!(plain_text(html, 100), "Oak & ash. Made by hand");
        assert_eq!(plain_text(html, 18), "Oak & ash. Made by…");
        assert_eq!(plain_text(html, 12), "Oak & ash.");
    }
}
