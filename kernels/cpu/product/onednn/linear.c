/* linear.c - products with weights in float32. A task computes a tile of up to TILE_ROWS rows of
 * one group by CPU_COLUMNS outputs into scratch memory and moves it to y through the epilogue. */
#include "onednn.h"

enum { TILE_ROWS = 512 };

typedef struct Tile {
    size_t group, row, rows; /* row: of the group */
    size_t column, columns;
} Tile;

/* Tasks that share weights follow each other, so that these come from a cache. */
static Tile tile_of(const CodeLinear *args, size_t task)
{
    size_t bands = pieces(args->rows, TILE_ROWS), out = args->weight->spec.out;
    Tile tile = {
        .group = task / bands % args->groups,
        .row = task % bands * TILE_ROWS,
        .column = task / bands / args->groups * CPU_COLUMNS,
    };

    tile.rows = least(TILE_ROWS, args->rows - tile.row);
    tile.columns = least(CPU_COLUMNS, out - tile.column);
    return tile;
}

/* Room for a tile, and after it for the primitive. */
static float *tile_memory(CpuWorker *worker, const OnednnProduct *product, CodesrcError *error)
{
    size_t tile = (size_t)TILE_ROWS * CPU_COLUMNS * sizeof(float);

    return cpu_scratch(worker, tile + product->scratch_bytes, error);
}

static void finish_tile(const CpuBody *body, const CodeLinear *args, Tile tile, const float *sums)
{
    size_t out = args->weight->spec.out, first = tile.group * args->rows + tile.row;
    float *y = (float *)args->y + first * out + tile.column;
    CpuTile all = {.y = y,
                   .y_f32 = true,
                   .sums = sums,
                   .bias = args->weight->bias + tile.column,
                   .y_row = out,
                   .sums_row = tile.columns,
                   .rows = tile.rows,
                   .width = tile.columns};

    if (args->epilogue == CODE_PLAIN) {
        body->add_bias(&all);
        return;
    }
    if (args->epilogue == CODE_GELU) {
        body->gelu(&all);
        return;
    }
    for (size_t row = 0; row < tile.rows; row += all.rows) {
        size_t lane = (first + row) / args->lane_rows;

        all.y = y + row * out;
        all.sums = sums + row * tile.columns;
        all.rows = least(tile.rows - row, (lane + 1) * args->lane_rows - (first + row));
        body->add_gated(&all, code_lane_vector(&args->gate, lane) + tile.column);
    }
}

static bool compute_tile(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CodeLinear *args = job;
    size_t in = args->weight->spec.in;
    Tile tile = tile_of(args, task);
    OnednnProduct *product =
        onednn_product_of(worker, args->weight->spec.in, tile.columns, tile.rows, error);
    float *memory = product ? tile_memory(worker, product, error) : NULL;

    if (!memory ||
        !onednn_product_run(worker, product,
                            (const float *)args->x + tile.group * args->x_group + tile.row * in,
                            onednn_data(args->weight) + tile.column * in, NULL, memory,
                            memory + (size_t)TILE_ROWS * CPU_COLUMNS, error))
        return false;
    finish_tile(worker->device->body, args, tile, memory);
    return true;
}

/* Full and last tiles, both ways. */
static bool prepare_tiles(CpuWorker *worker, const void *job, size_t task, CodesrcError *error)
{
    const CodeLinear *args = job;
    size_t bands = pieces(args->rows, TILE_ROWS);
    size_t chunks = pieces(args->weight->spec.out, CPU_COLUMNS), groups = args->groups;
    size_t corners[] = {0, bands - 1, (chunks - 1) * groups * bands,
                        (chunks - 1) * groups * bands + bands - 1};

    (void)task;
    for (int i = 0; i < 4; i++) {
        Tile tile = tile_of(args, corners[i]);
        OnednnProduct *product =
            onednn_product_of(worker, args->weight->spec.in, tile.columns, tile.rows, error);

        if (!product || !tile_memory(worker, product, error))
            return false;
    }
    return true;
}

bool onednn_linear(CodeStream *stream, const CodeLinear *args)
{
    size_t tiles =
        args->groups * pieces(args->rows, TILE_ROWS) * pieces(args->weight->spec.out, CPU_COLUMNS);

    if (!tiles)
        return true;
    if (stream->rehearsing)
        return cpu_prepare(stream, prepare_tiles, args);
    return cpu_run(stream, compute_tile, args, tiles);
}
