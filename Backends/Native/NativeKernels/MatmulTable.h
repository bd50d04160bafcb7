// Everything of one path; the including file defines LANES and TABLE and pushes the target.

#pragma clang fp contract(fast)

#include "MatmulSimd.h"
#include "MatmulMath.h"
#include "MatmulTile.h"
#include "MatmulProduct.h"
#include "Matmul.h"
#include "Conv.h"
#include "ConvDepthwise.h"
#include "ConvWinograd.h"
#include "AttentionSoftmax.h"
#include "Attention.h"
#include "AttentionDirect.h"
#include "AttentionGradient.h"

const GraftMatmulKernels TABLE = {
    .panel_width = PANEL,
    .tile_rows = TILE_ROWS,
    .packed_count = packed_count,
    .pack_b = pack_b,
    .matmul_scratch_bytes = matmul_scratch_bytes,
    .matmul = matmul,
    .matmul_unpacked = matmul_unpacked,
    .conv_panels = conv_panels,
    .conv_packed_count = conv_packed_count,
    .conv_pack = conv_pack,
    .conv_scratch_bytes = conv_scratch_bytes,
    .conv = conv,
    .depthwise_panels = depthwise_panels,
    .depthwise_packed_count = depthwise_packed_count,
    .depthwise_pack = depthwise_pack,
    .depthwise_scratch_bytes = depthwise_scratch_bytes,
    .depthwise = depthwise,
    .winograd_height = WINOGRAD_HEIGHT,
    .winograd_width = WINOGRAD_WIDTH,
    .winograd_applies = winograd_applies,
    .winograd_tile_lines = winograd_tile_lines,
    .winograd_packed_count = winograd_packed_count,
    .winograd_pack = winograd_pack,
    .winograd_scratch_bytes = winograd_scratch_bytes,
    .winograd = winograd,
    .attention_packed_count = attention_packed_count,
    .attention_pack = attention_pack,
    .attention_scratch_bytes = attention_scratch_bytes,
    .attention = attention,
    .attention_direct = attention_direct,
    .attention_gradient_scratch_bytes = attention_gradient_scratch_bytes,
    .attention_gradient_start = attention_gradient_start,
    .attention_gradient = attention_gradient,
    .attention_gradient_end = attention_gradient_end,
};
