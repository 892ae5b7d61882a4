//! The search index, in memory.

use std::sync::Arc;

use tantivy::{
    DocId, IndexReader, IndexWriter, ReloadPolicy, Score, Searcher, SegmentOrdinal, SegmentReader,
    TantivyDocument, Term,
    collector::{Collector, SegmentCollector},
    columnar::Column,
    schema::{FAST, Field, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions},
    tokenizer::{SimpleTokenizer, TextAnalyzer},
};
use techcommerce_contracts::product_api::Product;
use techcommerce_kernel::Error;

use super::{Entry, orders::Slot};
use crate::catalogue::text::{fold, plain_text};

/// The name of our tokenizer: texts are folded before, so it only splits at what is no letter or
/// digit.
const WORDS: &str = "words";
/// The name of the field that is read for each hit.
const SLOT: &str = "slot";
/// The smallest budget that the library allows for a writer.
const BUDGET: usize = 15_000_000;

/// The fields of a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// The product's id in hexadecimal, to replace the document.
    key: Field,
    /// The product's slot, to know a hit.
    slot: Field,
    pub title: Field,
    pub tags: Field,
    pub vendor: Field,
    pub category: Field,
    pub description: Field,
}

/// The index. Clones share it.
#[derive(Clone)]
pub(super) struct Index {
    index: tantivy::Index,
    reader: IndexReader,
    pub fields: Fields,
}

impl Index {
    /// Without documents.
    pub fn new() -> Result<Self, Error> {
        let mut schema = Schema::builder();
        let words = TextFieldIndexing::default()
            .set_tokenizer(WORDS)
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::Basic);
        let words = TextOptions::default().set_indexing_options(words);
        let fields = Fields {
            key: schema.add_text_field("key", STRING),
            slot: schema.add_u64_field(SLOT, FAST),
            title: schema.add_text_field("title", words.clone()),
            tags: schema.add_text_field("tags", words.clone()),
            vendor: schema.add_text_field("vendor", words.clone()),
            category: schema.add_text_field("category", words.clone()),
            description: schema.add_text_field("description", words),
        };
        let index = tantivy::Index::create_in_ram(schema.build());
        index.tokenizers().register(
            WORDS,
            TextAnalyzer::builder(SimpleTokenizer::default()).build(),
        );
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .doc_store_cache_num_blocks(0)
            .try_into()
            .map_err(Error::internal)?;
        Ok(Self {
            index,
            reader,
            fields,
        })
    }

    /// What can be searched now.
    pub fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    /// Replaces documents. The writer lives no longer than this, for even an idle one holds
    /// threads and memory.
    pub fn update(&self, entries: &[(Slot, Arc<Entry>, Product)]) -> Result<Searcher, Error> {
        let mut writer: IndexWriter = self
            .index
            .writer_with_num_threads(1, BUDGET)
            .map_err(Error::internal)?;
        for (slot, entry, product) in entries {
            let key = entry.id.simple().to_string();
            writer.delete_term(Term::from_field_text(self.fields.key, &key));
            writer
                .add_document(self.document(*slot, entry, product, &key))
                .map_err(Error::internal)?;
        }
        writer.commit().map_err(Error::internal)?;
        writer.wait_merging_threads().map_err(Error::internal)?;
        self.reader.reload().map_err(Error::internal)?;
        Ok(self.reader.searcher())
    }

    fn document(&self, slot: Slot, entry: &Entry, product: &Product, key: &str) -> TantivyDocument {
        let mut document = TantivyDocument::default();
        document.add_text(self.fields.key, key);
        document.add_u64(self.fields.slot, slot.into());
        document.add_text(self.fields.title, fold(&product.title));
        for tag in &entry.tag_keys {
            document.add_text(self.fields.tags, tag);
        }
        for variant in &product.variants {
            for option in &variant.options {
                document.add_text(self.fields.tags, fold(&option.value));
            }
            if let Some(sku) = &variant.sku {
                document.add_text(self.fields.tags, fold(sku));
            }
        }
        document.add_text(self.fields.vendor, &entry.vendor_key);
        if let Some(category) = &product.category {
            document.add_text(self.fields.category, category);
        }
        document.add_text(
            self.fields.description,
            fold(&plain_text(&product.description)),
        );
        document
    }
}

/// Collects the slots of all hits with their scores.
pub(super) struct Hits;

/// See [`Hits`].
pub(super) struct SegmentHits {
    slots: Column<u64>,
    hits: Vec<(Slot, Score)>,
}

impl Collector for Hits {
    type Fruit = Vec<(Slot, Score)>;
    type Child = SegmentHits;

    fn for_segment(
        &self,
        _: SegmentOrdinal,
        segment: &SegmentReader,
    ) -> tantivy::Result<SegmentHits> {
        Ok(SegmentHits {
            slots: segment.fast_fields().u64(SLOT)?,
            hits: Vec::new(),
        })
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn merge_fruits(&self, segments: Vec<Self::Fruit>) -> tantivy::Result<Self::Fruit> {
        Ok(segments.into_iter().flatten().collect())
    }
}

impl SegmentCollector for SegmentHits {
    type Fruit = Vec<(Slot, Score)>;

    fn collect(&mut self, document: DocId, score: Score) {
        let slot = self.slots.first(document);
        if let Some(slot) = slot.and_then(|slot| Slot::try_from(slot).ok()) {
            self.hits.push((slot, score));
        }
    }

    fn harvest(self) -> Self::Fruit {
        self.hits
    }
}
