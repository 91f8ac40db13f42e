// The filter of hcl written out: h[d, k] = sum over s of residues[d, s] * exp(log_poles[d, s] * k), for
// k in [0, length). Nothing else here needs it.
halo.kernel @modal_filter params(S : int, length : length)
    ins(@log_poles : modes<S>, @residues : modes<S>)
    outs(@h : view<f32, dl>) {
  %h = halo.modal_filter @log_poles, @residues
  halo.store %h, @h
}
