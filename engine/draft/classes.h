/* classes.h - a table of the classes, and blends of two classes, that a transformer has used
 * recently. */
#ifndef CODE_DRAFT_CLASSES_H
#define CODE_DRAFT_CLASSES_H

#include "draft/adaln.h"
#include "draft/passes.h"
#include "draft/slots.h"
#include "draft/transformer.h"
#include "run.h"

/* Identifies the contents of a slot, a class or a blend of two. It has one canonical form, from
 * code_classes_prepare, so that equal pictures share a slot: a blend has 0 < mix < 1, and a class
 * has class_id_2 -1 and mix 0. */
typedef struct CodeClassKey {
    int32_t class_id, class_id_2;
    double mix;
} CodeClassKey;

typedef struct CodeClasses {
    CodeSlots slots;
    int32_t *lane_slots; /* device: (2B), slot of each lane of the run */
    int32_t *no_slots;   /* device: (1), holding 0: for passes over one slot */
    /* host */
    CodeClassKey *key; /* (slots), class_id -1 for an empty one */
    uint64_t *used;    /* (slots), `runs` at the last use */
    uint64_t runs;
    uint32_t *pending; /* (B + 1), slots of this run that have a key and no contents yet */
    unsigned pending_count;
    float *vector;       /* (2C): a class vector and its SiLU */
    int32_t *host_slots; /* (2B) */
} CodeClasses;

/* For `var`, one of the model's two transformers. */
void code_classes_layout(CodeClasses *classes, const CodeVar *var, CodeRoom *room);

/* Empties the table, once its memory is allocated. */
bool code_classes_clear(CodeClasses *classes, const CodesrcModel *model, CodeStream *stream);

/* Computes those classes of the run that have no slot yet, using the transformer's scratch, and
 * uploads the slot of each lane. */
bool code_classes_prepare(CodeClasses *classes, const CodeRun *run, CodeAdaln *adaln,
                          const CodeTransformer *transformer);

/* Copies keys and values of scale 0 into the cache. */
bool code_classes_recall(const CodeClasses *classes, const CodeRun *run, void *cache,
                         CodeCacheRows rows);

/* Copies the logits of scale 0, (count, p_0^2, V). */
bool code_classes_logits(const CodeClasses *classes, const CodeRun *run, float *logits);

#endif
